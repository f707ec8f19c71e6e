/** `troupe check`. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type AppConfig,
  didYouMean,
  type Entry,
  formatPosition,
  keyPositionOf,
  type Path,
  positionOf,
  type Registry,
  suggest,
} from '@troupe/registry'
import { commandsOf, nothingIn } from './application-commands.ts'
import {
  type CheckDiagnostic,
  checkDiagnosticsIn,
  formatCheckDiagnostic,
  sortCheckDiagnostics,
} from '../modules/diagnostic.ts'
import type { CommonOptions } from '../invocation.ts'
import { checkCertificates, load } from 'troupe/app'
import { ModuleGraph, notAModule } from '../modules/module-graph.ts'
import type { NamedEntry } from '../modules/module-source.ts'
import { decodedIfRight, programOf } from '../modules/program.ts'
import type { Terminal } from '../terminal.ts'

/** Prints all problems of an application. The status is 1 if there are any. */
export async function check(options: CommonOptions, terminal: Terminal): Promise<number> {
  const { findings, registry } = await examine(options)
  const entries = registry.entries().length
  if (entries === 0 && findings.length === 0) {
    if (options.json) terminal.out('[]')
    terminal.err(nothingIn(resolve(options.root)))
    return 1
  }
  if (options.json) terminal.out(JSON.stringify(findings, undefined, 2))
  else for (const finding of findings) terminal.out(formatCheckDiagnostic(finding))
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  const problems = findings.length - warnings
  const warned = warnings === 0 ? '' : `, ${counted(warnings, 'warning', 'warnings')}`
  terminal.err(
    `${counted(entries, 'entry', 'entries')}, ` +
      `${problems === 0 ? 'no problems' : counted(problems, 'problem', 'problems')}${warned}`,
  )
  const [first] = [...findings.filter(({ severity }) => severity !== 'warning'), ...findings]
  if (first !== undefined) terminal.err(`see: troupe docs ${first.code}`)
  return problems === 0 ? 0 : 1
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

/** An application that was read, with all its problems. */
export interface Examined {
  readonly registry: Registry
  /** `undefined` when the configuration is invalid. */
  readonly config: AppConfig | undefined
  readonly findings: readonly CheckDiagnostic[]
  /** Its modules, as far as they could be read. */
  readonly modules: ModuleGraph
}

/** Reads an application without starting anything. */
export async function examine(options: CommonOptions): Promise<Examined> {
  const { registry, config, findings } = await loadAll(options)
  const modules = new ModuleGraph()
  const inModules = await examineModules(registry, modules)
  const others = [...checkCertificates(registry), ...doubleCommands(registry), ...singleThreads(registry)]
  return { registry, config, modules, findings: sortCheckDiagnostics([...findings, ...inModules, ...others]) }
}

/** If the configuration is invalid, the entries are still read. */
async function loadAll(options: CommonOptions): Promise<Omit<Examined, 'modules'>> {
  try {
    const { registry, config, problems } = await load(options)
    return { registry, config, findings: problems }
  } catch (error) {
    const inConfig = checkDiagnosticsIn(error)
    if (inConfig.length === 0) throw error
    const { registry, problems } = await load({ root: options.root, config: [], overrides: options.overrides })
    return { registry, config: undefined, findings: [...inConfig, ...problems] }
  }
}

async function examineModules(registry: Registry, modules: ModuleGraph): Promise<readonly CheckDiagnostic[]> {
  const missing = await Promise.all(registry.entries().map(async (entry) => missingMethod(registry, entry, modules)))
  await modules.settled()
  const unknown = (await modules.entriesNamed()).flatMap((named) => unknownEntry(registry, named))
  return [...missing.flat(), ...modules.findings, ...unknown]
}

async function missingMethod(
  registry: Registry,
  entry: Entry,
  modules: ModuleGraph,
): Promise<readonly CheckDiagnostic[]> {
  const program = programOf(registry, entry)
  if (!program) return []
  const { file, method } = program
  const unreadable = existsSync(file) ? notAModule(file) : undefined
  if (unreadable !== undefined)
    return [
      {
        code: 'missing-import',
        message: `source: ${unreadable}`,
        entry: entry.id,
        path: 'source',
        ...placed(entry, ['source']),
      },
    ]
  const exported = await modules.exportsOf(file)
  if (!exported || exported.has(method)) return []
  const near = suggest(method, exported)
  const hint =
    near === undefined
      ? `it exports ${exported.size === 0 ? 'nothing' : [...exported].join(', ')}`
      : `did you mean "${near}"?`
  const written = Object.hasOwn(entry.fields, 'method')
  const name = `"${method}"${written ? '' : ', the default'}`
  const message = `method: ${String(entry.fields['source'])} exports no ${name}; ${hint}`
  return [
    {
      code: 'missing-method',
      message,
      entry: entry.id,
      path: 'method',
      ...placed(entry, [written ? 'method' : 'source']),
    },
  ]
}

function doubleCommands(registry: Registry): readonly CheckDiagnostic[] {
  return [...commandsOf(registry)].flatMap(([name, [first, ...others]]) =>
    others.map((entry) => {
      const place = positionOf(entry, ['meta', 'command', 'name'])
      const before = first && keyPositionOf(first, ['meta', 'command'])
      const message =
        `meta.command.name: "${name}" is already the command of ` +
        `${first?.id ?? ''}${before ? ` at ${formatPosition(before)}` : ''}`
      return {
        code: 'duplicate-command' as const,
        message,
        entry: entry.id,
        path: 'meta.command.name',
        ...(place && { place }),
      }
    }),
  )
}

/** A call that names an entry which does not exist or has another kind. */
function unknownEntry(registry: Registry, { id, kinds, place }: NamedEntry): readonly CheckDiagnostic[] {
  const found = registry.find().find((entry) => entry.id === id)
  if (found && kinds.includes(found.kind)) return []
  if (found)
    return [
      { code: 'wrong-kind', message: `${id} is of the kind ${found.kind}; expected ${kinds.join(' or ')}`, place },
    ]
  const others = registry.find().filter(({ kind }) => kinds.includes(kind))
  const hint = didYouMean(
    id,
    others.map((entry) => entry.id),
  )
  return [{ code: 'dangling-reference', message: `there is no entry ${id}${hint}`, place }]
}

/** A thread works for one network at a time: in a pool of one thread, calls from all other networks wait. */
function singleThreads(registry: Registry): readonly CheckDiagnostic[] {
  if (registry.find({ kind: 'network.*' }).length === 0) return []
  return registry.find({ kind: 'function.ts' }).flatMap((entry) => {
    const decoded = decodedIfRight(registry, entry.id)
    const pool = decoded?.fields['pool']
    const isSingle = typeof pool === 'object' && pool !== null && 'max' in pool && pool.max === 1
    if (!isSingle || decoded?.meta.options?.network !== undefined) return []
    const message =
      'pool.max: a thread works for one network at a time, so calls from different networks ' +
      'wait for each other; allow 2 or more, or pin the function by meta.options.network'
    return [
      {
        code: 'one-thread' as const,
        severity: 'warning' as const,
        message,
        entry: entry.id,
        path: 'pool.max',
        ...placed(entry, ['pool', 'max']),
      },
    ]
  })
}

function placed(entry: Entry, path: Path): Pick<CheckDiagnostic, 'place'> {
  const place = positionOf(entry, path)
  return place === undefined ? {} : { place }
}
