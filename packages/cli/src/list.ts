/** `troupe list [kind]`. */
import { relative } from 'node:path'
import type { Entry } from '@troupe/registry'
import type { CommonOptions } from './invocation.ts'
import { load } from 'troupe/app'
import { formatTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Prints the entries as they are written, whatever is wrong with them. */
export async function list(options: CommonOptions & { readonly kind: string | undefined }, terminal: Terminal): Promise<number> {
  const { registry, problems } = await load(options)
  const entries = registry.find(options.kind === undefined ? {} : { kind: options.kind })
  if (options.json) terminal.out(JSON.stringify(entries, undefined, 2))
  else if (entries.length > 0) terminal.out(formatTable(['ID', 'KIND', 'COMMAND', 'WHERE'], entries.map(rowOf)))
  else terminal.err(options.kind === undefined ? 'no entries' : `no entries of the kind ${options.kind}`)
  if (problems.length > 0) terminal.err(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: see "troupe check"`)
  return 0
}

function rowOf({ id, kind, meta, source }: Entry): readonly string[] {
  const where = source ? `${relative(process.cwd(), source.file)}:${source.line}` : ''
  return [id, kind, commandOf(meta), where]
}

/** As written; whether it is right is what `check` tells. */
function commandOf({ command }: Entry['meta']): string {
  return typeof command === 'object' && command !== null && 'name' in command ? String(command.name) : ''
}
