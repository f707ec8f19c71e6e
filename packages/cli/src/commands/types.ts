/** `troupe types`. */
import { writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { TroupeError } from '@troupe/core'
import type { Registry } from '@troupe/registry'
import { load } from 'troupe/app'
import type { CommonOptions } from '../invocation.ts'
import { ModuleGraph } from '../modules/module-graph.ts'
import { decodedIfRight, programOf } from '../modules/program.ts'
import { writeSchemas } from './schema-files.ts'
import type { Terminal } from '../terminal.ts'

/** The interfaces of `troupe` that the file extends. */
type Interface = 'EntryKinds' | 'FunctionEntries' | 'ProcessEntries' | 'ProcessMessages' | 'ProcessNames'

/** A member of an interface. */
interface Member {
  readonly of: Interface
  /** As written: a quoted id, or an index signature. */
  readonly key: string
  /** A type expression. */
  readonly type: string
}

/**
 * Writes the ids of an application's entries, the types of its functions and processes, and the messages of processes
 * and services to `out`. Types of entries with problems stay unknown. Also writes the JSON schemas of the YAML files.
 */
export async function types(
  options: CommonOptions & { readonly out: string | undefined },
  terminal: Terminal,
): Promise<number> {
  const { registry, config, problems } = await load(options)
  const file = options.out === undefined ? join(config.root, 'entries.d.ts') : resolve(options.out)
  const code = await typedCode(registry, dirname(file))
  write(
    file,
    declarations([...code.flatMap(({ members }) => members), ...namesOf(registry, code), ...kindsOf(registry)]),
  )
  writeSchemas(config.root)
  const ids = code.map(({ id }) => id)
  if (options.json) terminal.out(JSON.stringify({ file, entries: ids }, undefined, 2))
  else terminal.out(`${relative(process.cwd(), file)}: ${ids.length} ${ids.length === 1 ? 'entry' : 'entries'}`)
  if (problems.length > 0)
    terminal.err(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: see "troupe check"`)
  return 0
}

/** A function or a process whose types are known. */
interface TypedCode {
  readonly id: string
  readonly members: readonly Member[]
  /** The type of the messages of a process. */
  readonly messages?: string | undefined
}

/** The entries whose module is TypeScript and exports their function, by id. */
async function typedCode(registry: Registry, from: string): Promise<readonly TypedCode[]> {
  const modules = new ModuleGraph()
  const found = [...registry.find({ kind: 'function.ts' }), ...registry.find({ kind: 'process.ts' })]
  const typed = await Promise.all(
    found.map(async (entry): Promise<readonly TypedCode[]> => {
      const program = programOf(registry, entry)
      if (!program || !/\.[cm]?ts$/.test(program.file)) return []
      const exported = await modules.exportsOf(program.file)
      if (exported && !exported.has(program.method)) return []
      const module = `import(${quote(specifier(program.file, from))})`
      const type = `(typeof ${module})[${quote(program.method)}]`
      const { id, kind } = entry
      if (kind === 'function.ts') return [{ id, members: [{ of: 'FunctionEntries', key: quote(id), type }] }]
      const messages = await messagesOf(modules, program.file, module)
      const main: Member = { of: 'ProcessEntries', key: quote(id), type }
      if (messages === undefined) return [{ id, members: [main] }]
      return [{ id, messages, members: [main, { of: 'ProcessMessages', key: quote(id), type: messages }] }]
    }),
  )
  await modules.settled()
  return typed.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** A module declares messages by a type `Messages`, or by an object `messages` of validators. */
async function messagesOf(modules: ModuleGraph, file: string, module: string): Promise<string | undefined> {
  const exported = await modules.exportsOf(file)
  if (await modules.exportsType(file, 'Messages')) return `${module}.Messages`
  return exported?.has('messages') === true ? `(typeof ${module})['messages']` : undefined
}

/** The names of services whose process declares its messages. */
function namesOf(registry: Registry, code: readonly TypedCode[]): readonly Member[] {
  const messages = new Map(code.map((each) => [each.id, each.messages]))
  return registry.find({ kind: 'process.service' }).flatMap((entry): readonly Member[] => {
    const fields = decodedIfRight(registry, entry.id)?.fields
    const type = messages.get(String(fields?.['process']))
    if (type === undefined) return []
    const name = typeof fields?.['name'] === 'string' ? fields['name'] : entry.id
    const members: readonly Member[] = [{ of: 'ProcessNames', key: quote(name), type }]
    if (fields?.['replicas'] === undefined) return members
    // oxlint-disable-next-line eslint/no-template-curly-in-string -- the type of a template
    return [
      ...members,
      { of: 'ProcessNames', key: `[replica: \`${name.replaceAll(/[\\`$]/g, '\\$&')}/\${number}\`]`, type },
    ]
  })
}

function kindsOf(registry: Registry): readonly Member[] {
  return registry
    .entries()
    .map(({ id, kind }): Member => ({ of: 'EntryKinds', key: quote(id), type: quote(kind) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function declarations(members: readonly Member[]): string {
  const names: readonly Interface[] = [
    'EntryKinds',
    'FunctionEntries',
    'ProcessEntries',
    'ProcessMessages',
    'ProcessNames',
  ]
  const bodies = names.map((name) => {
    const lines = members.filter((member) => member.of === name).map(({ key, type }) => `    ${key}: ${type}\n`)
    return lines.length === 0 ? `  interface ${name} {}\n` : `  interface ${name} {\n${lines.join('')}  }\n`
  })
  // Without the export, the file would be a script, and declare its own module in place of the real one.
  return (
    `// Written by "troupe types" from the application's entries. Changes here are lost.\n` +
    `export {}\n\ndeclare module 'troupe' {\n${bodies.join('')}}\n`
  )
}

/** A relative path, also when the file is in a folder above. */
function specifier(file: string, from: string): string {
  const path = relative(from, file).split(sep).join('/')
  return path.startsWith('../') ? path : `./${path}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new TroupeError('Unavailable', `cannot write ${file}`, { cause: error })
  }
}
