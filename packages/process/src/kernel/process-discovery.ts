/**
 * Processes that threads of `shared` hosts started by themselves. The kernel learns of one when it first matters: when
 * the process sends a request, or when a request concerns it.
 */
import {
  denied,
  invalid,
  isRemote,
  notFound,
  type Pid,
  serialOf,
  threadOf,
  unavailable,
  withDeadline,
} from '@troupe/core'
import type { ToKernel } from '../protocol/kernel-thread.ts'
import type { FrameIssuer } from './authorization/frame-issuer.ts'
import { noteClaim } from './observation/sealed-spans.ts'
import type { HostTable } from '../host/host-table.ts'
import type { ProcessRecord, ProcessTable } from './process-table.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'

/** Milliseconds that a thread may take to report whether a process exists. */
const answerTime = 2000

type ProcessStarted = Extract<ToKernel, { type: 'processStarted' }>

export interface ProcessDiscoveryOptions {
  readonly processes: ProcessTable
  readonly threads: ThreadTable
  readonly hosts: HostTable
  readonly frames: FrameIssuer
  /** Whether policies govern all code in a thread. */
  readonly policyEnforced: (thread: number) => boolean
  /** Whether policies govern any action of a process. */
  readonly governs: (record: ProcessRecord) => boolean
}

export class ProcessDiscovery {
  readonly #options: ProcessDiscoveryOptions
  readonly #asked = new Map<Pid, Set<(record: ProcessRecord | undefined) => void>>()

  constructor(options: ProcessDiscoveryOptions) {
    this.#options = options
  }

  /**
   * Registers a process that `thread` started. Its frame is its starter's, if the starter was allowed to start it
   * without a request.
   */
  onProcessStarted({ pid, by, entry, inherit }: ProcessStarted, thread: Thread): void {
    const { processes, hosts, frames } = this.#options
    if (threadOf(pid) !== thread.number || processes.get(pid) !== undefined) return
    if (threadOf(by) !== thread.number)
      throw denied(`thread ${thread.number} started ${pid} on behalf of a process in another thread`, { pid })
    const parent = processes.get(by)
    // Code that policies govern starts nothing without a request. In a thread whose code is all governed, no code does.
    const isGoverned =
      this.#options.policyEnforced(thread.number) || (parent !== undefined && this.#options.governs(parent))
    if (isGoverned || !thread.programs.has(entry))
      throw denied(`thread ${thread.number} started ${pid} without a request`, { pid })
    const host = hosts.of(pid)
    if (host === undefined) return
    if (!isOfThreads(pid)) throw denied(`${pid} is not a process that a thread starts by itself`, { pid })
    const caller = { frame: parent?.frame ?? frames.empty, thread: thread.number }
    const overlay = frames.overlay(caller, {}, undefined, inherit)
    const frame = frames.forProcess(caller.frame, overlay, {}, inherit)
    noteClaim({ thread, frame: caller.frame, inherit }, frame)
    const record = { pid, entry, frame, host, onExit: undefined, by }
    processes.add(record)
    thread.pids.add(pid)
    this.#answer(pid, record)
  }

  onProcessUnknown(pid: Pid, thread: Thread): void {
    if (threadOf(pid) === thread.number) this.#answer(pid, undefined)
  }

  /** A thread has ended: pending look-ups of its processes fail. */
  threadGone(thread: Thread): void {
    for (const pid of [...this.#asked.keys()]) if (threadOf(pid) === thread.number) this.#answer(pid, undefined)
  }

  /**
   * Finds a living process; asks its thread if the kernel does not know it yet.
   *
   * @throws TroupeError `NotFound`; `Unavailable` when its thread is too busy to reply.
   */
  async find(pid: Pid): Promise<ProcessRecord> {
    const { processes, threads, hosts } = this.#options
    const known = processes.get(pid)
    if (known !== undefined) return known
    if (isRemote(pid))
      throw invalid(`${pid} is a process of another node: this is not supported across nodes yet`, { pid })
    const thread = threads.get(threadOf(pid))
    const record = thread === undefined || hosts.of(pid) === undefined ? undefined : await this.#ask(pid, thread)
    if (record === undefined) throw notFound(`process ${pid} does not exist: it has ended, or never started`, { pid })
    return record
  }

  async #ask(pid: Pid, thread: Thread): Promise<ProcessRecord | undefined> {
    const { promise, resolve } = Promise.withResolvers<ProcessRecord | undefined>()
    const waiting = this.#asked.get(pid)
    if (waiting === undefined) this.#asked.set(pid, new Set([resolve]))
    else waiting.add(resolve)
    thread.post({ type: 'reportProcess', pid })
    try {
      return await withDeadline(promise, answerTime, () =>
        unavailable(`the thread of ${pid} is too busy to report whether the process exists`, { pid }),
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

/** Threads assign odd serials, the kernel even ones. */
function isOfThreads(pid: Pid): boolean {
  return serialOf(pid) % 2 === 1
}
