/** Logs the ends of processes and calls that failed: one line each, whoever watches them. */
import { type EntryId, errorFromWire, type Log, type Pid, startTimer, stopTimer, threadOf, type Timer, type WireError } from '@troupe/core'
import type { ToKernel } from '../protocol/kernel-thread.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'
import { exitCodeOf } from '../worker-threads/thread-failure.ts'

/** Lines in a second for one entry; beyond, one line says how many were not shown. */
const linesPerSecond = 50

/** What has ended. */
export interface Failed {
  readonly pid: Pid
  readonly entry: EntryId | undefined
  /** Id of the actor in whose name it ran. */
  readonly actor: string | undefined
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
  readonly #counts = new Map<EntryId | undefined, Count>()
  /** Runs while lines were shown in this second. */
  #second: Timer | undefined

  constructor({ processes, log }: FailureLogOptions) {
    this.#processes = processes
    this.#log = log
  }

  /** A process or call that the kernel knows has ended with an error. */
  ended({ pid, entry, frame, host, isCommand }: ProcessRecord, error: WireError, { gone }: Thread): void {
    // A command ends by a status, as a program of the shell does.
    if (isCommand && exitCodeOf(errorFromWire(error)) !== undefined) return
    // Of the calls that a thread took along, those that had not begun run elsewhere: their pool knows which did.
    if (!gone || host !== undefined) this.add({ pid, entry, actor: frame.actor?.id }, error)
  }

  /** A thread tells of another. It may speak for what lives in it alone. */
  told({ pid, entry, error, late }: Extract<ToKernel, { type: 'failed' }>, thread: number): void {
    if (threadOf(pid) !== thread) return
    // What the kernel knows of it, it does not have to be told.
    const known = this.#processes.get(pid)
    this.add(
      { pid, entry: known?.entry ?? entry, actor: known?.frame.actor?.id },
      error,
      late ? 'threw an error that nobody caught, after it had ended' : 'failed',
    )
  }

  /** It ended with an error. One that was cancelled or terminated did as it was told. @param what Said of it. */
  add({ pid, entry, actor }: Failed, wire: WireError, what = 'failed'): void {
    const about = { pid, entry, actor, error: errorFromWire(wire) }
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

  /** Reports what was not shown. */
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
      if (hidden > 0) this.#log(`failed ${hidden} more times within a second, which were not shown`, { level: 'error', entry })
    this.#counts.clear()
  }
}
