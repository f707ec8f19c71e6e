/**
 * Whom a signal is about: it comes from what lives in the thread at the other end, and is for what lives here. Nothing else has any business
 * on a channel between two threads.
 */
import { type Pid, threadOf } from '@troupe/core'
import type { Signal } from '../protocol/kernel-thread.ts'

export interface Ends {
  /** This thread. */
  readonly own: number
  /** The one at the other end. */
  readonly other: number
}

/** Pids that were looked at last, with their threads: most messages are of few. */
let lately: readonly [Pid, number] | undefined
let before: readonly [Pid, number] | undefined

function livesIn(pid: Pid, thread: number): boolean {
  if (lately?.[0] === pid) return lately[1] === thread
  if (before?.[0] === pid) return before[1] === thread
  before = lately
  lately = [pid, threadOf(pid)]
  return lately[1] === thread
}

/** A pid in a signal that lives at neither end, or at the wrong one; nothing where all is right. */
export function strayIn(signal: Signal, { own, other }: Ends): Pid | undefined {
  const near = nearOf(signal)
  if (near !== undefined && !livesIn(near, own)) return near
  const far = farOf(signal)
  return far !== undefined && !livesIn(far, other) ? far : undefined
}

/** Whom it is for. */
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

/** Whom it comes from. */
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
