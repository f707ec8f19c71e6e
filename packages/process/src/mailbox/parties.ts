/**
 * Checks the pids of a signal: it must come from a process in the thread at the other end, and be for a process in this
 * thread. Other signals are not allowed on a channel between two threads.
 */
import { type Pid, threadOf } from '@troupe/core'
import type { Signal } from '../protocol/signals.ts'

export interface Ends {
  /** Number of this thread. */
  readonly own: number
  /** Number of the thread at the other end. */
  readonly other: number
}

/** The last pid that was looked up, with its thread: most messages concern few pids. */
let lately: readonly [Pid, number] | undefined
let before: readonly [Pid, number] | undefined

function livesIn(pid: Pid, thread: number): boolean {
  if (lately?.[0] === pid) return lately[1] === thread
  if (before?.[0] === pid) return before[1] === thread
  before = lately
  lately = [pid, threadOf(pid)]
  return lately[1] === thread
}

/** Returns a pid in a signal that lives at neither end, or at the wrong end; `undefined` for a valid signal. */
export function strayIn(signal: Signal, { own, other }: Ends): Pid | undefined {
  const near = nearOf(signal)
  if (near !== undefined && !livesIn(near, own)) return near
  const far = farOf(signal)
  return far !== undefined && !livesIn(far, other) ? far : undefined
}

/** The receiver in this thread. */
function nearOf(signal: Signal): Pid | undefined {
  switch (signal.op) {
    case 'send':
    case 'giveBack':
    case 'linkDown':
      return signal.to
    case 'monitor':
    case 'unmonitor':
    case 'link':
    case 'unlink':
      return signal.target
    case 'exit':
      return signal.watcher.pid
    default:
      return undefined
  }
}

/** The sender in the other thread. */
function farOf(signal: Signal): Pid | undefined {
  switch (signal.op) {
    case 'send':
    case 'flow':
    case 'reclaim':
    case 'exit':
    case 'linkDown':
      return signal.from
    case 'closed':
    case 'refused':
      return signal.pid
    case 'monitor':
      return signal.watcher.pid
    case 'unmonitor':
      return signal.watcher
    case 'link':
    case 'unlink':
      return signal.other
    default:
      return undefined
  }
}
