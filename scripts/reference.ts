/**
 * Makes the pages of `docs/reference` from the sources: `npm run docs:reference` writes them, and
 * `npm run check:docs` compares. `troupe docs` reads them too.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { configSchema, entriesSchema } from '../packages/registry/src/index.ts'
import { kinds } from '../packages/troupe/src/app.ts'
import { commandNames, helpText } from '../packages/cli/src/help.ts'
import { metricsText } from '../packages/troupe/src/observe/metrics.ts'
import { aboutKind, checkedActions, permissionTable, sourceOf } from './reference-sources.ts'
import { eventsParts } from './reference-events.ts'
import { codesWithoutSection, errorsParts } from './reference-errors.ts'
import { type Field, fieldsOf, recordOf } from './reference-schema.ts'

const folder = 'docs/reference'
const written = 'Made from the sources by `npm run docs:reference`; do not edit it.'

/** Fields of any entry, which one page describes for all kinds. */
const common = new Set(['name', 'kind', 'version', 'namespace'])

/** Returns the pages, by file name. */
export async function referencePages(root: string): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['README.md', indexPage()],
    ['entries.md', entriesPage(root)],
    ['config.md', configPage()],
    ['cli.md', cliPage()],
    ['errors.md', page('Errors', errorsParts(root))],
    ['events.md', page('Events', eventsParts(root))],
    ['metrics.md', await metricsPage(root)],
    ['permissions.md', permissionsPage(root)],
  ])
}

/** Returns the lines to print: pages that differ from their sources, and sources that no page mentions. */
export async function referenceFaults(root: string): Promise<readonly string[]> {
  const pages = await referencePages(root)
  const different = [...pages].filter(([name, text]) => {
    const file = join(root, folder, name)
    return !existsSync(file) || readFileSync(file, 'utf8') !== text
  })
  const extra = globSync('*', { cwd: join(root, folder) }).filter((name) => !pages.has(name))
  const table = permissionTable(root).join('\n')
  return [
    ...different.map(([name]) => `${folder}/${name} is not current: run "npm run docs:reference"`),
    ...extra.map((name) => `${folder}/${name} is made from no source: run "npm run docs:reference"`),
    ...[...pages].flatMap(([name, text]) =>
      withoutMeaning(text).map((field) => `${folder}/${name}: ${field} has no meaning: give its schema a .describe()`),
    ),
    ...codesWithoutSection(root).map((code) => `${folder}/errors.md: no section about the code ${code}`),
    ...checkedActions(root)
      .filter((action) => !isIn(table, action))
      .map((action) => `docs/security.md: the table has no action ${action}, which sources check`),
  ]
}

/** Returns the names in the rows of tables whose last column is empty, of pages in which it states a meaning. */
export function withoutMeaning(text: string): readonly string[] {
  return text.split(/^(?=#{1,3} )/m).flatMap((section) => {
    const [header = '', , ...rows] = section.split('\n').filter((line) => line.startsWith('|'))
    if (!header.endsWith('| meaning |')) return []
    return rows.filter((row) => /\| *\|$/.test(row)).map((row) => row.split('|')[1]?.trim() ?? row)
  })
}

/** The table shortens actions of one area: `process.send`, `.monitor`. */
function isIn(table: string, action: string): boolean {
  const last = action.slice(action.lastIndexOf('.'))
  return (
    table.includes(`\`${action}\``) || (table.includes(`\`${last}\``) && table.includes(`\`${action.split('.')[0]}.`))
  )
}

function indexPage(): string {
  return page('Reference', [
    'The same pages without a network: `troupe docs WORD`, for a kind, a field, a command, an error, an event, a ' +
      'metric or a permission.',
    [
      '- [Entries](entries.md): each kind, with its fields, defaults and an example',
      '- [Configuration](config.md): `.troupe.yaml`',
      '- [Command line](cli.md)',
      '- [Errors](errors.md): kinds and codes',
      '- [Metrics](metrics.md)',
      '- [Permissions](permissions.md)',
      '- [Events](events.md): diagnostics channels, and the events of a process',
    ].join('\n'),
  ])
}

function entriesPage(root: string): string {
  const definitions = recordOf(entriesSchema(kinds)['definitions'])
  const all: unknown = recordOf(definitions['entry'])['allOf']
  const parts = (Array.isArray(all) ? all : []).map((part: unknown) => {
    const { if: condition, else: schema } = recordOf(part)
    const properties = recordOf(recordOf(recordOf(condition)['not'])['properties'])
    return { kind: String(recordOf(properties['kind'])['const']), schema: recordOf(schema) }
  })
  const meta = fieldsOf(recordOf(parts[0]?.schema)).filter(({ path }) => path.startsWith('meta'))
  const shared = new Set(meta.map(({ path }) => path))
  const service = parts.find(({ kind }) => kind === 'process.service')?.schema ?? {}
  const restarts = fieldsOf(service).filter(({ path }) => path.startsWith('lifecycle.'))
  const sections = parts
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
    .map(({ kind, schema }) => {
      const file = sourceOf(root, kind)
      const { about, example } = file === undefined ? {} : aboutKind(root, file, kind)
      const own = fieldsOf(schema).filter(
        ({ path }) => !common.has(path) && !shared.has(path) && !path.startsWith('lifecycle.'),
      )
      return [
        `## \`${kind}\``,
        about,
        own.length === 0 ? 'It has no fields of its own.' : fieldTable(own),
        example === undefined ? undefined : `\`\`\`yaml\n${example}\`\`\``,
      ]
    })
  return page('Entries', [
    'Each entry has a `name` and a `kind`, and is in a `namespace`. Any value may be a placeholder: `${env:NAME}` or ' +
      '`${env:NAME|default}`. A duration is a text such as `250ms`, `10s` or `1m30s`. `[]` in the name of a field ' +
      'stands for each item of a list, `*` for any key. The schemas that `troupe types` writes for editors are made ' +
      'from the same definitions.',
    '## `meta`',
    'Of any kind. Other keys of `meta` are free.',
    fieldTable(meta.slice(1)),
    '## `lifecycle`',
    'Of the kinds that are services. [Supervision](../supervision.md) describes restarts.',
    fieldTable(restarts),
    ...sections.flat(),
  ])
}

function configPage(): string {
  const sections = Object.entries(recordOf(configSchema()['properties']))
    .filter(([name]) => name !== 'version' && name !== 'profiles')
    .map(([name, schema]) => {
      const [section, ...fields] = fieldsOf({ properties: { [name]: schema } })
      return [`## \`${name}\``, section?.meaning, fieldTable(fields)]
    })
  return page('Configuration', [
    'The sections of `.troupe.yaml`. `profiles` has the same sections by name; `--profile NAME` chooses one. ' +
      '`--set section.field=value` sets one value.',
    ...sections.flat(),
  ])
}

function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map(({ path, type, isRequired, preset, meaning }) => {
    const words = meaning.replaceAll('|', '&#124;')
    return `| \`${path}\` | ${type} | ${isRequired ? 'required' : (preset ?? '')} | ${words} |`
  })
  return ['| field | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function cliPage(): string {
  const topics = new Map<string, readonly string[]>()
  for (const name of commandNames) topics.set(helpText(name), [...(topics.get(helpText(name)) ?? []), name])
  return page('Command line', [
    'What `troupe --help` and `troupe COMMAND --help` print. [The command line](../cli.md) describes it with examples.',
    `\`\`\`\n${helpText()}\n\`\`\``,
    ...[...topics].flatMap(([text, names]) => [
      names.length === 1 ? `## \`troupe ${names.join('')}\`` : '## For a running application',
      names.length === 1 ? undefined : names.map((name) => `\`troupe ${name}\``).join(', '),
      `\`\`\`\n${text.split('\n\nOptions:\n')[0] ?? text}\n\`\`\``,
    ]),
  ])
}

async function metricsPage(root: string): Promise<string> {
  const nothing = { processes: { rows: [], total: 0, silent: [] }, connections: { rows: [], total: 0, silent: [] } }
  const { text } = await metricsText(
    {
      ...nothing,
      ...{ at: 0, pid: 0, uptime: 0, threads: [], ended: [], overlays: [], pools: [], services: [], policies: [] },
      queues: [],
      ...{ refusals: {}, servers: [], routes: [], requests: [], processorTime: [], registryVersion: 0, logLines: {} },
      deadLetters: { count: 0, last: [] },
      requestPools: [],
    },
    'prometheus',
  )
  const types = new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [name, type]))
  const labels = labelsOf(readFileSync(join(root, 'docs/observability.md'), 'utf8'))
  const rows = Array.from(text.matchAll(/^# HELP (\S+) (.+)$/gm), ([, name = '', help = '']) => {
    return `| \`${name}\` | ${types.get(name) ?? ''} | ${labels.get(name) ?? ''} | ${help} |`
  })
  return page('Metrics', [
    '[Observability](../observability.md#metrics) describes how they are served and counted.',
    ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ])
}

/** The labels in the table of the page about metrics. */
function labelsOf(text: string): ReadonlyMap<string, string> {
  const rows = Array.from(text.matchAll(/^\| (`(?:troupe|process)_[^|]+)\|([^|]*)\|$/gm))
  return new Map(
    rows.flatMap(([, names = '', labels = '']) =>
      Array.from(names.matchAll(/`(\w+)`/g), ([, name = '']): [string, string] => [name, labels.trim()]),
    ),
  )
}

function permissionsPage(root: string): string {
  return page('Permissions', [
    'The actions that policies decide, from [security policies](../security.md#apply-policies). An action of an ' +
      'application, which it checks with `security.can`, can have any other name. [Changing the ' +
      'registry](../security.md#changing-the-registry) requires more.',
    permissionTable(root).join('\n').replaceAll('](#', '](../security.md#'),
  ])
}

function page(title: string, parts: readonly (string | undefined)[]): string {
  const blocks = [`# ${title}`, written, ...parts].filter((part) => part !== undefined && part !== '')
  return `${blocks.map((part) => wrapped(part ?? '')).join('\n\n')}\n`
}

/** Breaks a paragraph into lines of at most 120 characters. */
function wrapped(part: string): string {
  if (/^(?:\||#|- |```)/.test(part)) return part
  return part.replaceAll(/(?=\S)(.{1,120})(?: +|$)/g, '$1\n').trimEnd()
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  rmSync(join(root, folder), { recursive: true, force: true })
  mkdirSync(join(root, folder), { recursive: true })
  for (const [name, text] of await referencePages(root)) writeFileSync(join(root, folder, name), text)
}
