/** Recordings of messages that an operator asks for: those of one process, or how many go from whom to whom. */
import { invalid, notFound, type Pid, sleep, threadOf, unavailable } from '@troupe/core'
import type { KernelParts } from '../kernel-parts.ts'
import type { Thread } from '../../worker-threads/thread.ts'
import type { ThreadTable } from '../../worker-threads/thread-table.ts'
import type { FlowRow, RecordedMessage } from './inspector.ts'
import { observeProcesses } from './observed-threads.ts'

type Parts = Pick<KernelParts, 'hosts' | 'endedThreads' | 'inspector' | 'processes' | 'processorTime' | 'threads'>

/** Messages from one process to another, with the entries of both. */
export interface Flow extends FlowRow {
  /** The entry of the receiver, or '' where it has ended or is no process. */
  readonly toEntry: string
}

/** How long, and how much. */
export interface RecordingLimits {
  readonly milliseconds: number
  /** Maximum number of messages, or of pairs of processes. */
  readonly limit: number
  /** Ends the recording early. */
  readonly signal: AbortSignal
}

/** Maximum of both limits. */
const mostMessages = 10_000
const mostMilliseconds = 600_000
/** Milliseconds between two looks whether there are enough. */
const pace = 200
/** How often a thread is asked that was busy for a second. */
const attempts = 10
/** Maximum number of processes of each thread whose entries are looked up. */
const mostProcesses = 10_000

/** The applications in which a recording runs: their threads have one at a time. */
const recorded = new WeakSet<ThreadTable>()

/**
 * Records what a process takes and sends.
 *
 * @throws TroupeError `NotFound` for a process that does not exist; `Unavailable` while another recording runs, and
 *   when its thread is busy.
 */
export async function recordMessages(
  { threads, inspector, processes }: Parts,
  pid: Pid,
  limits: RecordingLimits,
): Promise<readonly RecordedMessage[]> {
  const thread = threads.get(threadOf(pid))
  const isKnown = async (home: Thread) =>
    // Of a process that its thread started by itself, the kernel need not know.
    processes.get(pid) !== undefined ||
    (await inspector.processes(home, mostProcesses))?.some((process) => process.pid === pid) !== false
  if (thread === undefined || !(await isKnown(thread))) throw notFound(`there is no process ${pid}`, { pid })
  return alone(threads, limits, async ({ milliseconds, limit, signal }) => {
    thread.post({ type: 'record', pid, limit, milliseconds })
    try {
      const isEnough = async () => ((await inspector.recorded(thread)) ?? 0) >= limit
      await untilEnough(milliseconds, signal, isEnough)
      const messages = await persistently(thread, async () => inspector.messages(thread, limit))
      // A thread speaks for its own processes.
      return messages.filter(({ direction, from, to }) => (direction === 'in' ? to : from) === pid)
    } finally {
      thread.post({ type: 'record', pid: undefined, limit: 0, milliseconds: 0 })
    }
  })
}

/**
 * Counts the messages between processes for a time. A thread that is busy at its end is left out.
 *
 * @throws TroupeError `Unavailable` while another recording runs.
 */
export async function observeFlows(parts: Parts, limits: RecordingLimits): Promise<readonly Flow[]> {
  const { threads, inspector } = parts
  return alone(threads, limits, async ({ milliseconds, limit, signal }) => {
    const all = threads.all()
    for (const thread of all) thread.post({ type: 'record', pid: undefined, limit, milliseconds })
    try {
      await untilEnough(milliseconds, signal, async () => Promise.resolve(false))
      const rows = await Promise.all(all.map(async (thread) => (await inspector.flows(thread, limit)) ?? []))
      const { rows: processes } = await observeProcesses(parts, mostProcesses)
      const entries = new Map<string, string>(processes.map(({ pid, entry }) => [pid, entry]))
      return rows
        .flat()
        .toSorted((a, b) => b.messages - a.messages)
        .slice(0, limit)
        .map((row) => ({ ...row, toEntry: entries.get(row.to) ?? '' }))
    } finally {
      for (const thread of all) thread.post({ type: 'record', pid: undefined, limit: 0, milliseconds: 0 })
    }
  })
}

async function alone<T>(
  threads: ThreadTable,
  limits: RecordingLimits,
  work: (limits: RecordingLimits) => Promise<T>,
): Promise<T> {
  const { milliseconds, limit } = limits
  if (!(milliseconds > 0 && milliseconds <= mostMilliseconds))
    throw invalid('a recording lasts up to ten minutes', { milliseconds })
  if (!Number.isInteger(limit) || limit < 1 || limit > mostMessages)
    throw invalid(`a recording has 1 to ${mostMessages} rows`, { limit })
  if (recorded.has(threads)) throw unavailable('another recording runs: wait until it has ended')
  recorded.add(threads)
  try {
    return await work(limits)
  } finally {
    recorded.delete(threads)
  }
}

async function untilEnough(milliseconds: number, signal: AbortSignal, isEnough: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + milliseconds
  for (let left = milliseconds; left > 0 && !signal.aborted; left = end - Date.now()) {
    await sleep(Math.min(pace, left))
    if (await isEnough()) return
  }
}

async function persistently<T>(thread: Thread, ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < attempts && !thread.gone; attempt += 1) {
    const reply = await ask()
    if (reply !== undefined) return reply
  }
  throw unavailable(`thread ${thread.number} has ended, or is busy and does not reply`, { thread: thread.number })
}
