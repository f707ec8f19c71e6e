/**
 * Processes that a thread of a `shared` host starts by itself, without a request to the kernel: children in the same
 * host, of a known program, without choices that need a decision. The kernel learns of one when it first matters to the
 * kernel (`kernel/process-discovery.ts`).
 */
import { emptyFrame, type EntryId, fork, type Pid, pid, traceChange } from '@troupe/core'
import { ProcessCounts } from '../shared-memory/process-counts.ts'
import type { InheritedContext, KnownProgram, SpawnRequest } from '../protocol/programs.ts'
import type { SharedThread } from '../protocol/thread-data.ts'
import type { StartProcess } from '../protocol/kernel-thread.ts'
import type { Participant } from './participant.ts'

/** Number of processes that a thread may have above its share of the host's, before the kernel places the next one. */
const slack = 1024

export interface LocalSpawnsOptions {
  readonly thread: number
  readonly shared: SharedThread
  /** Requests the program of an entry from the kernel. */
  readonly program: (entry: EntryId, by: Pid) => Promise<KnownProgram>
}

/** A child that may start in this thread. */
interface Admitted {
  readonly pid: Pid
  readonly known: KnownProgram
}

export class LocalSpawns {
  readonly queueSize: number
  readonly #options: LocalSpawnsOptions
  readonly #processCounts: ProcessCounts
  readonly #programs = new Map<EntryId, KnownProgram | undefined>()
  /** Odd serials; the kernel's are even. */
  #next = 1

  constructor(options: LocalSpawnsOptions) {
    this.queueSize = options.shared.queueSize
    this.#options = options
    this.#processCounts = new ProcessCounts(options.shared.processCounts, options.shared.maxProcesses)
  }

  /** Returns a pid for a child that may start here, with its program; `undefined` when the kernel has to decide. */
  admit(by: Participant, ask: SpawnRequest): Admitted | undefined {
    if (!this.#isFree(by, ask)) return undefined
    const known = this.#programs.get(ask.entry)
    if (known === undefined) {
      this.#learn(ask.entry, by.pid)
      return undefined
    }
    const { worker, workers } = this.#options.shared
    if (
      known.pin !== undefined ||
      !this.#processCounts.isLevel(worker, slack, workers) ||
      !this.#processCounts.enter(worker)
    )
      return undefined
    const id = pid(this.#options.thread, this.#next)
    this.#next += 2
    return { pid: id, known }
  }

  /** The start data of an admitted child. It starts in its parent's overlay, which is the thread's. */
  startOf(
    { pid: id, known }: Admitted,
    by: Participant,
    { args, inherit, monitor, link, messages = [] }: SpawnRequest,
  ): StartProcess {
    const { values } = inherit
    const frame = fork(emptyFrame, { overlay: by.frame.overlay, values, ...traceChange(inherit) })
    return {
      pid: id,
      program: known.program,
      args,
      frame,
      queueSize: this.queueSize,
      accepts: known.accepts,
      watchers: monitor === undefined ? [] : [monitor],
      links: link === undefined ? [] : [link],
      messages: messages.map((message) => ({ ...message, from: by.pid, frame })),
    }
  }

  /** A process of this thread has ended. */
  leave(): void {
    this.#processCounts.leave(this.#options.shared.worker)
  }

  /** An entry changed: the cached data about it is no longer valid. */
  forget(entry: EntryId): void {
    this.#programs.delete(entry)
  }

  /** Whether nothing was chosen, and no permission is needed. */
  #isFree(by: Participant, { host, choice, name }: SpawnRequest): boolean {
    const { network, actor, scope } = choice
    return (
      host === this.#options.shared.host &&
      name === undefined &&
      network === undefined &&
      actor === undefined &&
      scope === undefined &&
      !by.policyEnforced
    )
  }

  #learn(entry: EntryId, by: Pid): void {
    if (this.#programs.has(entry)) return
    this.#programs.set(entry, undefined)
    this.#options.program(entry, by).then(
      (known) => this.#programs.set(entry, known),
      () => this.#programs.delete(entry),
    )
  }
}

/** The data with which a child is reported when the kernel needs to know it. */
export interface LocalSpawn {
  readonly by: Pid
  readonly entry: EntryId
  readonly inherit: InheritedContext
}
