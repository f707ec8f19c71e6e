/** `troupe list [kind]`. */
import { relative } from 'node:path'
import type { Entry } from '@troupe/registry'
import type { CommonOptions } from '../invocation.ts'
import { keptAddress, load, type ReportedOverlay, runningOverlays } from 'troupe/app'
import { removeStaleFiles } from '../attach/stale-files.ts'
import { formatTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

/** Prints the entries as they are written, even if they have problems. */
export async function list(
  options: CommonOptions & { readonly kind: string | undefined },
  terminal: Terminal,
): Promise<number> {
  const { config, registry, problems } = await load(options)
  const entries = registry.find(options.kind === undefined ? {} : { kind: options.kind })
  const { stateDir } = config.networkService
  await removeStaleFiles(stateDir)
  const running = await runningOverlays(stateDir)
  if (options.json)
    terminal.out(
      JSON.stringify(
        entries.map((entry) => withStatus(entry, running)),
        undefined,
        2,
      ),
    )
  else if (entries.length > 0) terminal.out(await tableOf(entries, stateDir, running))
  else terminal.err(options.kind === undefined ? 'no entries' : `no entries of the kind ${options.kind}`)
  if (problems.length > 0)
    terminal.err(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: see "troupe check"`)
  return 0
}

type Running = ReadonlyMap<string, ReportedOverlay>

/** With the status of each entry, if a running application has it. */
function withStatus(entry: Entry, running: Running): Entry & { readonly status?: ReportedOverlay } {
  const status = running.get(entry.id)
  return status === undefined ? entry : { ...entry, status }
}

/** The columns for the address and status of overlays appear if they are known for one of them. */
async function tableOf(entries: readonly Entry[], stateDir: string, running: Running): Promise<string> {
  // An invalid state is reported by the commands that use it.
  const addresses = await Promise.all(entries.map(async (entry) => keptAddress(entry, stateDir).catch(() => undefined)))
  const hasAddresses = addresses.some((address) => address !== undefined)
  const does = entries.some(({ id }) => running.has(id))
  const head = ['ID', 'KIND', 'COMMAND', 'WHERE', ...(hasAddresses ? ['ADDRESS'] : []), ...(does ? ['STATE'] : [])]
  const rows = entries.map((entry, index) => [
    ...rowOf(entry),
    ...(hasAddresses ? [addresses[index] ?? ''] : []),
    ...(does ? [stateIn(running.get(entry.id))] : []),
  ])
  return formatTable(head, rows)
}

function rowOf({ id, kind, fields, meta, source }: Entry): readonly string[] {
  const where = source ? `${relative(process.cwd(), source.file)}:${source.line}` : ''
  return [id, kind + replicasOf(fields), commandOf(meta), where]
}

/** How many processes a service has, if the entry names a number. */
function replicasOf({ replicas }: Entry['fields']): string {
  return typeof replicas === 'number' || typeof replicas === 'string' ? ` × ${replicas}` : ''
}

function stateIn(status: ReportedOverlay | undefined): string {
  if (status === undefined) return ''
  const { state, since, reason } = status
  return `${state} since ${new Date(since).toISOString()}${reason === undefined ? '' : `: ${reason}`}`
}

/** As written; `troupe check` reports whether it is valid. */
function commandOf({ command }: Entry['meta']): string {
  return typeof command === 'object' && command !== null && 'name' in command ? String(command.name) : ''
}
