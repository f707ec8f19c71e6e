/**
 * Processes that threads of `shared` hosts started by themselves. The kernel hears of one when it first matters: when the process asks for
 * something, or when somebody wants something done to it.
 */
import { denied, notFound, type Pid, threadOf, unavailable, withDeadline } from '@troupe/core'
import type { ToKernel } from '../protocol.ts'
import type { Frames } from './frames.ts'
import type { Hosts } from './hosts.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from './thread.ts'
import type { Threads } from './threads.ts'

/** How long a thread may take to answer whether a process is there. */
const answerTime = 2000

type Born = Extract<ToKernel, { type: 'born' }>

export interface BirthsOptions {
  readonly processes: ProcessTable
  readonly threads: Threads
  readonly hosts: Hosts
  readonly frames: Frames
  /** Whether all code in a thread is asked about. */
  readonly governed: (thread: number) => boolean
}

export class Births {
  readonly #options: BirthsOptions
  readonly #asked = new Map<Pid, Set<(record: ProcessRecord | undefined) => void>>()

  constructor(options: BirthsOptions) {
    this.#options = options
  }

  /** Takes in a process that `thread` started: its frame is its starter's, as far as that could start it without asking. */
  onBorn({ pid, by, entry, inherit }: Born, thread: Thread): void {
    const { processes, hosts, frames } = this.#options
    if (threadOf(pid) !== thread.number || processes.get(pid) !== undefined) return
    // Where all are asked about what they start, nobody starts anything without asking.
    if (this.#options.governed(thread.number)) throw denied(`thread ${thread.number} started ${pid} without asking`, { pid })
    const caller = { frame: processes.get(by)?.frame ?? frames.empty, thread: thread.number }
    const overlay = frames.overlay(caller, {}, undefined, inherit)
    const record = { pid, entry, frame: frames.forProcess(overlay, {}, inherit), host: hosts.of(pid), onExit: undefined, by }
    processes.add(record)
    thread.pids.add(pid)
    this.#answer(pid, record)
  }

  onUnborn(pid: Pid): void {
    this.#answer(pid, undefined)
  }

  /** A thread is gone: nobody in it will be born any more. */
  threadGone(thread: Thread): void {
    for (const pid of [...this.#asked.keys()]) if (threadOf(pid) === thread.number) this.#answer(pid, undefined)
  }

  /**
   * A process that lives, by its own thread's word if the kernel has not heard of it.
   *
   * @throws TroupeError `NotFound`; `Unavailable` when its thread is too busy to say.
   */
  async find(pid: Pid): Promise<ProcessRecord> {
    const { processes, threads, hosts } = this.#options
    const known = processes.get(pid)
    if (known !== undefined) return known
    const thread = threads.get(threadOf(pid))
    const record = thread === undefined || hosts.of(pid) === undefined ? undefined : await this.#ask(pid, thread)
    if (record === undefined) throw notFound(`process ${pid} is not there: it has ended, or never was`, { pid })
    return record
  }

  async #ask(pid: Pid, thread: Thread): Promise<ProcessRecord | undefined> {
    const { promise, resolve } = Promise.withResolvers<ProcessRecord | undefined>()
    const waiting = this.#asked.get(pid)
    if (waiting === undefined) this.#asked.set(pid, new Set([resolve]))
    else waiting.add(resolve)
    thread.post({ type: 'announce', pid })
    try {
      return await withDeadline(promise, answerTime, () =>
        unavailable(`the thread of ${pid} is too busy to say whether the process is there`, { pid }),
      )
    } finally {
      this.#asked.get(pid)?.delete(resolve)
    }
  }

  #answer(pid: Pid, record: ProcessRecord | undefined): void {
    const waiting = this.#asked.get(pid)
    this.#asked.delete(pid)
    for (const resolve of waiting ?? []) resolve(record)
  }
}
