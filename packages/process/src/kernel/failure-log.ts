/** Logs the ends of failed processes and calls: one line each, even when other processes monitor them. */
import {
  type EntryId,
  errorFromWire,
  type Frame,
  type Log,
  type Pid,
  startTimer,
  stopTimer,
  threadOf,
  type Timer,
  type WireError,
} from '@troupe/core'
import type { ToKernel } from '../protocol/kernel-thread.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'
import { exitCodeOf } from '../worker-threads/thread-failure.ts'

/** Maximum number of log lines per second for one entry. Beyond it, one line reports how many were not shown. */
const linesPerSecond = 50

/** The process or call that has ended. */
export interface Failed {
  readonly pid: Pid
  readonly entry: EntryId | undefined
  /** The frame in which it ran, if the kernel knows it. */
  readonly frame: Frame | undefined
}

export interface FailureLogOptions {
  readonly processes: ProcessTable
  readonly log: Log
}

interface Count {
  shown: number
  hidden: number
}

export class FailureLog implements Disposable {
  readonly #processes: ProcessTable
  readonly #log: Log
  /** Processes that are ending, whose failure is logged. */
  readonly #logged = new WeakSet<ProcessRecord>()
  readonly #counts = new Map<EntryId | undefined, Count>()
  /** Runs while lines were logged in this second. */
  #second: Timer | undefined

  constructor({ processes, log }: FailureLogOptions) {
    this.#processes = processes
    this.#log = log
  }

  /** A process or call that the kernel knows ended with an error. */
  ended(record: ProcessRecord, error: WireError, { gone }: Thread): void {
    if (this.#logged.has(record)) return
    const { pid, entry, frame, host, isCommand } = record
    // A command ends with an exit status, like a program of the shell.
    if (isCommand && exitCodeOf(errorFromWire(error)) !== undefined) return
    // Of the tasks in an ended thread, those that had not begun run elsewhere: who gave them knows which had begun.
    if (!gone || host !== undefined) this.add({ pid, entry, frame }, error)
  }

  /** A thread reports a failure. It may report only processes and calls of its own. */
  onFailed({ pid, entry, error, late }: Extract<ToKernel, { type: 'failed' }>, thread: Thread): void {
    const { number, programs } = thread
    if (threadOf(pid) !== number) return
    const known = this.#processes.get(pid)
    if (known !== undefined && !late) {
      this.ended(known, error, thread)
      this.#logged.add(known)
      return
    }
    // Of others, the thread names the entry: one that it runs.
    const named = entry !== undefined && programs.has(entry) ? entry : undefined
    this.add(
      { pid, entry: known?.entry ?? named, frame: known?.frame },
      error,
      late ? 'threw an uncaught error after it had ended' : 'failed',
    )
  }

  /** Logs a failure. Cancelled or terminated processes are not failures. @param what Text of the line. */
  add({ pid, entry, frame }: Failed, wire: WireError, what = 'failed'): void {
    const { actor, trace, overlay } = frame ?? {}
    const error = errorFromWire(wire)
    const about = { pid, entry, actor: actor?.id, trace, overlay: overlay ?? undefined, error }
    if (wire.kind === 'Canceled') {
      this.#log('ended', { ...about, level: 'debug' })
      return
    }
    const count = this.#countOf(entry)
    if (count.shown >= linesPerSecond) count.hidden += 1
    else {
      count.shown += 1
      this.#log(what, { ...about, level: 'error' })
    }
  }

  /** Reports the number of lines that were not shown. */
  [Symbol.dispose](): void {
    stopTimer(this.#second)
    this.#endSecond()
  }

  #countOf(entry: EntryId | undefined): Count {
    this.#second ??= startTimer(() => {
      this.#endSecond()
    }, 1000).unref()
    const known = this.#counts.get(entry)
    if (known !== undefined) return known
    const count = { shown: 0, hidden: 0 }
    this.#counts.set(entry, count)
    return count
  }

  #endSecond(): void {
    this.#second = undefined
    for (const [entry, { hidden }] of this.#counts)
      if (hidden > 0)
        this.#log(`failed ${hidden} more times within a second, which were not shown`, { level: 'error', entry })
    this.#counts.clear()
  }
}
