/** What the threads of an application did and use, read from outside while they run. */
import { bounded, type Counts, type EntryId, readCounts, unavailable } from '@troupe/core'
import type { Resources } from '../../worker-threads/resources.ts'
import type { Thread } from '../../worker-threads/thread.ts'
import type { KernelParts } from '../kernel-parts.ts'
import type { ConnectionRow, OverlayRow, ProcessRow } from './inspector.ts'

type Parts = Pick<KernelParts, 'endedThreads' | 'hosts' | 'inspector' | 'processes' | 'processorTime' | 'threads'>

/** Milliseconds for which Node may wait for a thread. */
const patience = 1000

/** A thread of the application, or the main thread of one of its operating-system processes. */
export interface ObservedThread {
  readonly number: number
  /** The host or function entry whose code it runs; `undefined` for the main thread. */
  readonly owner: EntryId | undefined
  readonly kind: 'main' | 'thread' | 'process'
  /** Overlay of all code in it, `null` for the clear network, `undefined` before its first work. */
  readonly overlay: EntryId | null | undefined
  readonly sealed: boolean
  readonly counts: Counts
  /** What it uses; `undefined` where that cannot be read from outside. */
  readonly resources: Resources | undefined
  /**
   * Milliseconds that it took to reply to the kernel last: the delay of its event loop, at most 1000. `undefined`
   * before its first reply.
   */
  readonly delay: number | undefined
}

/** Threads that have ended, summed up by owner and network. */
export interface ObservedEnd {
  readonly owner: EntryId | undefined
  readonly overlay: EntryId | null
  /** How many they were. */
  readonly threads: number
  readonly counts: Counts
}

/** A process, as its thread and the kernel describe it. */
export interface ObservedProcess extends Omit<ProcessRow, 'parent'> {
  readonly parent: string | undefined
  readonly names: readonly string[]
  readonly host: EntryId | undefined
  readonly thread: number
  readonly overlay: EntryId | null | undefined
}

/** What could be learned, and the threads that did not reply because they were busy. */
export interface Census<Row> {
  readonly rows: readonly Row[]
  readonly silent: readonly number[]
}

/** What each thread uses, by its number, as far as Node reports it. A busy thread delays nothing. */
export type ResourcesByThread = ReadonlyMap<number, Resources | undefined>

/** Reads what threads use, and the counters of those that share no memory with the kernel. */
export async function observeResources({ threads, inspector, processorTime }: Parts): Promise<ResourcesByThread> {
  const found = threads.all().map(async (thread) => {
    const [resources] = await Promise.all([
      resourcesInTime(thread),
      thread.isolated ? inspector.refresh(thread) : undefined,
    ])
    if (resources?.cpu !== undefined) processorTime.add(thread, resources.cpu)
    return [thread.number, resources] as const
  })
  return new Map(await Promise.all(found))
}

/** Native code may keep a thread busy: Node cannot look into it then. */
async function resourcesInTime(thread: Thread): Promise<Resources | undefined> {
  return bounded(thread.resources(), { ms: patience }, () => unavailable('it is busy')).catch(() => undefined)
}

/** Reads the counters of all threads, and the sums of those that have ended: each thread counts in one of them. */
export function observeThreads(
  { threads, endedThreads }: Parts,
  resources: ResourcesByThread,
): { readonly threads: readonly ObservedThread[]; readonly ended: readonly ObservedEnd[] } {
  return {
    threads: threads.all().map(({ number, owner, sealed, network, isolated, counters, delay }) => ({
      number,
      owner,
      kind: number === 0 ? 'main' : isolated ? 'process' : 'thread',
      overlay: network?.overlay,
      sealed,
      counts: readCounts(counters),
      resources: resources.get(number),
      delay,
    })),
    ended: Array.from(endedThreads.all(), ({ counters, ...end }) => ({ ...end, counts: readCounts(counters) })),
  }
}

/** Lists processes. @param limit - Of each thread: those with the longest mailboxes, then the oldest. */
export async function observeProcesses(parts: Parts, limit: number): Promise<Census<ObservedProcess>> {
  const { processes, inspector } = parts
  return census(parts, async (thread) => {
    const rows = await inspector.processes(thread, limit)
    return rows?.map((row) => {
      const record = processes.get(row.pid)
      const parent = row.parent === '' ? record?.by : row.parent
      return {
        ...row,
        parent,
        names: processes.namesOf(row.pid),
        host: record?.host?.id ?? thread.owner,
        thread: thread.number,
        overlay: thread.network?.overlay,
      }
    })
  })
}

/** Lists the connections through overlays. @param limit - Of each thread: the oldest. */
export async function observeConnections(parts: Parts, limit: number): Promise<Census<ConnectionRow>> {
  return census(parts, async (thread) => parts.inspector.connections(thread, limit))
}

/** Lists the overlays that each thread used. */
export async function observeOverlays(parts: Parts): Promise<Census<OverlayRow>> {
  return census(parts, async (thread) => parts.inspector.overlays(thread))
}

/** Sums up what was refused, by name. */
export async function observeRefusals(parts: Parts): Promise<ReadonlyMap<string, number>> {
  const { rows } = await census(parts, async (thread) => [...((await parts.inspector.refusals(thread)) ?? [])])
  const sums = new Map<string, number>()
  for (const [what, count] of rows) sums.set(what, (sums.get(what) ?? 0) + count)
  return sums
}

async function census<Row>(
  { threads }: Parts,
  ask: (thread: Thread) => Promise<readonly Row[] | undefined>,
): Promise<Census<Row>> {
  const replies = await Promise.all(threads.all().map(async (thread) => ({ thread, rows: await ask(thread) })))
  return {
    rows: replies.flatMap(({ rows }) => rows ?? []),
    silent: replies.filter(({ rows }) => rows === undefined).map(({ thread }) => thread.number),
  }
}
