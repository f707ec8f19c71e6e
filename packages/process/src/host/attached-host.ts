/**
 * A host whose processes live in a thread that something else started, next to the code that runs there. What blocks
 * its processes blocks that code, and the reverse.
 */
import { type EntryId, errorToWire, invalid, type Pid, pid, TroupeError, unavailable } from '@troupe/core'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { Host, HostSlot } from './host.ts'

/** Options of an {@link AttachedHost}. */
export interface AttachedHostOptions {
  readonly id: EntryId
  readonly thread: Thread
  /** Capacity of a mailbox. */
  readonly queueSize: number
  /** Serial of its first process. Other hosts may use other serials in that thread. @default 1 */
  readonly firstSerial?: number
}

/** A host in a thread that something else started. It does not start or end that thread. */
export class AttachedHost implements Host {
  readonly id: EntryId
  readonly sealed = false
  readonly #options: AttachedHostOptions
  readonly #running = new Map<Pid, PromiseWithResolvers<void>>()
  #next: number
  #closed = false

  constructor(options: AttachedHostOptions) {
    this.id = options.id
    this.#options = options
    this.#next = options.firstSerial ?? 1
  }

  get size(): number {
    return this.#running.size
  }

  owns(thread: number): boolean {
    return thread === this.#options.thread.number
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  place(network: Network): HostSlot {
    const { thread, queueSize } = this.#options
    if (this.#closed) throw unavailable(`host ${this.id} has stopped`, { host: this.id })
    if (thread.network?.key !== network.key) {
      throw invalid(`host ${this.id} runs processes in one thread, whose network is another`, {
        host: this.id,
        code: 'ENETWORK',
      })
    }
    const id = pid(thread.number, this.#next)
    this.#next += 1
    this.#running.set(id, Promise.withResolvers())
    return {
      pid: id,
      thread,
      start: (process, transfer) => {
        thread.post({ type: 'start', process: { ...process, pid: id, queueSize } }, transfer)
      },
      abandon: () => {
        this.processEnded(id)
      },
    }
  }

  async kill(id: Pid, error: TroupeError): Promise<void> {
    const ended = this.#running.get(id)
    if (ended === undefined) return
    this.#options.thread.post({ type: 'kill', pid: id, error: errorToWire(error) })
    await ended.promise
  }

  async retire(): Promise<void> {
    this.#closed = true
  }

  retireNetworks(): void {}

  processEnded(id: Pid): void {
    this.#running.get(id)?.resolve()
    this.#running.delete(id)
  }

  threadGone(thread: Thread): void {
    if (thread !== this.#options.thread) return
    this.#closed = true
    for (const id of [...this.#running.keys()]) this.processEnded(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const stopped = new TroupeError('Canceled', `host ${this.id} has stopped`)
    await Promise.all(Array.from(this.#running.keys(), async (id) => this.kill(id, stopped)))
  }
}
