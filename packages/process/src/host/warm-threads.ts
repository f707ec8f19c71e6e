/** Threads kept warm: started, and with all loaded that can be loaded before it is known what they will run. */
import { startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread, OwnedThread } from '../worker-threads/thread.ts'

/** Milliseconds from the taking of a spare thread to the start of the next. */
const refillDelay = 5

export interface WarmThreadsOptions {
  readonly count: number
  /** @param network - Of what the thread will run, where that is known. */
  readonly start: (network?: Network) => OwnedThread
}

export class WarmThreads {
  readonly #options: WarmThreadsOptions
  readonly #warm: OwnedThread[] = []
  #refilling: Timer | undefined
  #closed = false

  constructor(options: WarmThreadsOptions) {
    this.#options = options
    this.#refill()
  }

  /**
   * A warm thread that has that network or none, or else a new one. It is replaced a little later, so that the start of a thread does not slow
   * whoever takes this one.
   */
  acquire(network: Network): OwnedThread {
    const at = this.#warm.findIndex(({ network: own }) => own === undefined || own.key === network.key)
    const [warm] = at === -1 ? [] : this.#warm.splice(at, 1)
    const thread = warm ?? this.#options.start(network)
    // It keeps what it is given for its whole life.
    thread.bind(network)
    this.#refilling ??= startTimer(() => {
      this.#refilling = undefined
      this.#refill()
    }, refillDelay).unref()
    return thread
  }

  /** A spare thread ended by itself. */
  lost(thread: Thread): void {
    const at = this.#warm.findIndex((warm) => warm === thread)
    if (at !== -1) this.#warm.splice(at, 1)
  }

  /** Ends the threads that have a network which is not current any more, and starts others. */
  retire(isCurrent: (network: Network) => boolean): void {
    for (const thread of this.#warm.filter(({ network }) => network !== undefined && !isCurrent(network))) {
      this.lost(thread)
      void thread.terminate(new TroupeError('Canceled', 'its network is not current any more'))
    }
    this.#refill()
  }

  /** Settles when the spares that there are have warmed up. */
  async ready(): Promise<void> {
    await Promise.all(this.#warm.map(async (thread) => thread.ready))
  }

  async close(): Promise<void> {
    this.#closed = true
    stopTimer(this.#refilling)
    await Promise.all(this.#warm.splice(0).map(async (thread) => thread.terminate(new TroupeError('Canceled', 'its host has stopped'))))
  }

  #refill(): void {
    while (!this.#closed && this.#warm.length < this.#options.count) this.#warm.push(this.#options.start())
  }
}
