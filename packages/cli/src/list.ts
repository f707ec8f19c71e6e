/** `troupe list [kind]`. */
import { relative } from 'node:path'
import type { Entry } from '@troupe/registry'
import type { CommonOptions } from './invocation.ts'
import { keptAddress, load } from 'troupe/app'
import { formatTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Prints the entries as they are written, whatever is wrong with them. */
export async function list(options: CommonOptions & { readonly kind: string | undefined }, terminal: Terminal): Promise<number> {
  const { config, registry, problems } = await load(options)
  const entries = registry.find(options.kind === undefined ? {} : { kind: options.kind })
  if (options.json) terminal.out(JSON.stringify(entries, undefined, 2))
  else if (entries.length > 0) terminal.out(await tableOf(entries, config.networkService.stateDir))
  else terminal.err(options.kind === undefined ? 'no entries' : `no entries of the kind ${options.kind}`)
  if (problems.length > 0) terminal.err(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: see "troupe check"`)
  return 0
}

/** Where overlays are reached is told if one of them is. */
async function tableOf(entries: readonly Entry[], stateDir: string): Promise<string> {
  // What is wrong with the state is told where it is used.
  const addresses = await Promise.all(entries.map(async (entry) => keptAddress(entry, stateDir).catch(() => undefined)))
  const told = addresses.some((address) => address !== undefined)
  const head = ['ID', 'KIND', 'COMMAND', 'WHERE', ...(told ? ['ADDRESS'] : [])]
  const rows = entries.map((entry, index) => [...rowOf(entry), ...(told ? [addresses[index] ?? ''] : [])])
  return formatTable(head, rows)
}

function rowOf({ id, kind, meta, source }: Entry): readonly string[] {
  const where = source ? `${relative(process.cwd(), source.file)}:${source.line}` : ''
  return [id, kind, commandOf(meta), where]
}

/** As written; whether it is right is what `check` tells. */
function commandOf({ command }: Entry['meta']): string {
  return typeof command === 'object' && command !== null && 'name' in command ? String(command.name) : ''
}
