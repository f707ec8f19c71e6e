/** `troupe types`. */
import { writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { TroupeError } from '@troupe/core'
import type { Registry } from '@troupe/registry'
import { load } from 'troupe/app'
import type { CommonOptions } from '../invocation.ts'
import { ModuleGraph } from '../modules/module-graph.ts'
import { programOf } from '../modules/program.ts'
import type { Terminal } from '../terminal.ts'

/** The interfaces that list the types of functions and processes, by the kind of their entries. */
const interfaces = { 'function.ts': 'FunctionEntries', 'process.ts': 'ProcessEntries' } as const
type TypedKind = keyof typeof interfaces

interface TypedEntry {
  readonly id: string
  readonly kind: TypedKind
  /** A type expression. */
  readonly type: string
}

/**
 * Writes the types of an application's functions and processes to `out`. Entries with problems are left out: their
 * types stay unknown.
 */
export async function types(options: CommonOptions & { readonly out: string | undefined }, terminal: Terminal): Promise<number> {
  const { registry, config, problems } = await load(options)
  const file = options.out === undefined ? join(config.root, 'entries.d.ts') : resolve(options.out)
  const entries = await typedEntries(registry, dirname(file))
  write(file, declarations(entries))
  if (options.json) terminal.out(JSON.stringify({ file, entries: entries.map(({ id }) => id) }, undefined, 2))
  else terminal.out(`${relative(process.cwd(), file)}: ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`)
  if (problems.length > 0) terminal.err(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: see "troupe check"`)
  return 0
}

/** The entries whose module is TypeScript and exports their function, by id. */
async function typedEntries(registry: Registry, from: string): Promise<readonly TypedEntry[]> {
  const modules = new ModuleGraph()
  const kinds = Object.keys(interfaces).filter(isTyped)
  const found = kinds.flatMap((kind) =>
    registry.find({ kind }).map((entry) => ({ id: entry.id, kind, program: programOf(registry, entry) })),
  )
  const typed = await Promise.all(
    found.map(async ({ id, kind, program }) => {
      if (!program || !/\.[cm]?ts$/.test(program.file)) return []
      const exported = await modules.exportsOf(program.file)
      if (exported && !exported.has(program.method)) return []
      return [{ id, kind, type: `(typeof import(${quote(specifier(program.file, from))}))[${quote(program.method)}]` }]
    }),
  )
  await modules.settled()
  return typed.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function isTyped(kind: string): kind is TypedKind {
  return Object.hasOwn(interfaces, kind)
}

function declarations(entries: readonly TypedEntry[]): string {
  const bodies = Object.entries(interfaces).map(([kind, name]) => {
    const lines = entries.filter((entry) => entry.kind === kind).map(({ id, type }) => `    ${quote(id)}: ${type}\n`)
    return `  interface ${name} {\n${lines.join('')}  }\n`
  })
  // Without the export, the file would be a script, and declare its own module in place of the real one.
  return `// Written by "troupe types" from the application's entries. Changes here are lost.\nexport {}\n\ndeclare module 'troupe' {\n${bodies.join('')}}\n`
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
