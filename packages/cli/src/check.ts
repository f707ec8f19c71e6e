/** `troupe check`. */
import { type Entry, formatPlace, keyPlaceOf, placeOf, type Registry, suggest } from '@troupe/registry'
import { commandsOf } from './commands.ts'
import { type Finding, findingsIn, formatFinding, sortFindings } from './finding.ts'
import type { CommonOptions } from './invocation.ts'
import { load } from 'troupe/app'
import { ModuleGraph } from './module-graph.ts'
import { programOf } from './program.ts'
import type { Terminal } from './terminal.ts'

/** Prints all that is wrong with an application. Status 1 if anything is. */
export async function check(options: CommonOptions, terminal: Terminal): Promise<number> {
  const { findings, registry } = await examine(options)
  const entries = registry.entries().length
  if (options.json) terminal.out(JSON.stringify(findings, undefined, 2))
  else for (const finding of findings) terminal.out(formatFinding(finding))
  const count = findings.length === 1 ? '1 problem' : `${findings.length === 0 ? 'no' : findings.length} problems`
  terminal.err(`${entries} ${entries === 1 ? 'entry' : 'entries'}, ${count}`)
  return findings.length === 0 ? 0 : 1
}

/** An application that was read, with all that is wrong with it. */
export interface Examined {
  readonly registry: Registry
  readonly findings: readonly Finding[]
  /** Its modules, as far as they could be read. */
  readonly modules: ModuleGraph
}

/** Reads an application without starting anything. */
export async function examine(options: CommonOptions): Promise<Examined> {
  const { registry, findings } = await loadAll(options)
  const modules = new ModuleGraph()
  const inModules = await examineModules(registry, modules)
  return { registry, modules, findings: sortFindings([...findings, ...inModules, ...doubleCommands(registry)]) }
}

/** With a config that is wrong, the entries are read all the same. */
async function loadAll(options: CommonOptions): Promise<{ readonly registry: Registry; readonly findings: readonly Finding[] }> {
  try {
    const { registry, problems } = await load(options)
    return { registry, findings: problems }
  } catch (error) {
    const inConfig = findingsIn(error)
    if (inConfig.length === 0) throw error
    const { registry, problems } = await load({ root: options.root, config: [], overrides: options.overrides })
    return { registry, findings: [...inConfig, ...problems] }
  }
}

async function examineModules(registry: Registry, modules: ModuleGraph): Promise<readonly Finding[]> {
  const missing = await Promise.all(registry.entries().map(async (entry) => missingMethod(registry, entry, modules)))
  await modules.settled()
  return [...missing.flat(), ...modules.findings]
}

async function missingMethod(registry: Registry, entry: Entry, modules: ModuleGraph): Promise<readonly Finding[]> {
  const program = programOf(registry, entry)
  if (!program) return []
  const { file, method } = program
  const exported = await modules.exportsOf(file)
  if (!exported || exported.has(method)) return []
  const near = suggest(method, exported)
  const hint = near === undefined ? `it exports ${exported.size === 0 ? 'nothing' : [...exported].join(', ')}` : `did you mean "${near}"?`
  const written = Object.hasOwn(entry.fields, 'method')
  const message = `method: ${String(entry.fields['source'])} exports no "${method}"${written ? '' : ', the default'}; ${hint}`
  const place = placeOf(entry, [written ? 'method' : 'source'])
  return [{ code: 'missing-method', message, entry: entry.id, path: 'method', ...(place && { place }) }]
}

function doubleCommands(registry: Registry): readonly Finding[] {
  return [...commandsOf(registry)].flatMap(([name, [first, ...others]]) =>
    others.map((entry) => {
      const place = placeOf(entry, ['meta', 'command', 'name'])
      const before = first && keyPlaceOf(first, ['meta', 'command'])
      const message = `meta.command.name: "${name}" is already the command of ${first?.id ?? ''}${before ? ` at ${formatPlace(before)}` : ''}`
      return { code: 'duplicate-command' as const, message, entry: entry.id, path: 'meta.command.name', ...(place && { place }) }
    }),
  )
}
