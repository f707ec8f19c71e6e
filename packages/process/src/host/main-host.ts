/** A host whose processes live in the main thread, beside the kernel: what blocks them blocks all. For tests, which are the program there. */
import { type EntryId, errorToWire, type Pid, pid, TroupeError, unavailable } from '@troupe/core'
import type { Thread } from '../kernel/thread.ts'
import type { Threads } from '../kernel/threads.ts'
import type { Host, Place } from './host.ts'

export interface MainHostOptions {
  readonly id: EntryId
  readonly threads: Threads
  /** Capacity of a mailbox. */
  readonly queueSize: number
}

/** The main thread is the first that there is. */
const mainThread = 0

export class MainHost implements Host {
  readonly id: EntryId
  readonly #options: MainHostOptions
  readonly #running = new Map<Pid, PromiseWithResolvers<void>>()
  #next = 1
  #closed = false

  constructor(options: MainHostOptions) {
    this.id = options.id
    this.#options = options
  }

  get size(): number {
    return this.#running.size
  }

  owns(thread: number): boolean {
    return thread === mainThread
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  place(): Place {
    const { threads, queueSize } = this.#options
    const thread = threads.get(mainThread)
    if (this.#closed || thread === undefined) throw unavailable(`host ${this.id} has stopped`, { host: this.id })
    const id = pid(mainThread, this.#next)
    this.#next += 1
    this.#running.set(id, Promise.withResolvers())
    return {
      pid: id,
      thread,
      start: (process) => {
        thread.post({ type: 'start', process: { ...process, pid: id, queueSize } })
      },
      abandon: () => {
        this.processEnded(id)
      },
    }
  }

  async kill(id: Pid, error: TroupeError): Promise<void> {
    const ended = this.#running.get(id)
    if (ended === undefined) return
    this.#options.threads.get(mainThread)?.post({ type: 'kill', pid: id, error: errorToWire(error) })
    await ended.promise
  }

  async retire(): Promise<void> {
    this.#closed = true
  }

  processEnded(id: Pid): void {
    this.#running.get(id)?.resolve()
    this.#running.delete(id)
  }

  threadGone(thread: Thread): void {
    if (thread.number === mainThread) for (const id of [...this.#running.keys()]) this.processEnded(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const stopped = new TroupeError('Canceled', `host ${this.id} has stopped`)
    await Promise.all(Array.from(this.#running.keys(), async (id) => this.kill(id, stopped)))
  }
}
