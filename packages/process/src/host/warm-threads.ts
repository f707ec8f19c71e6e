/** Warm threads: started, and with everything loaded that can be loaded before their work is known. */
import { startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Network } from '../kernel/network/networks.ts'
import type { Thread, OwnedThread } from '../worker-threads/thread.ts'

/** Milliseconds between taking a spare thread and starting the next. */
const refillDelay = 5

export interface WarmThreadsOptions {
  readonly count: number
  /** @param network - The network of the thread's future work, where that is known. */
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
   * Returns a warm thread that has that network or none, or else a new one. The replacement is started a little later,
   * so that its start does not slow the caller.
   */
  acquire(network: Network): OwnedThread {
    const at = this.#warm.findIndex(({ network: own }) => own === undefined || own.key === network.key)
    const [warm] = at === -1 ? [] : this.#warm.splice(at, 1)
    const thread = warm ?? this.#options.start(network)
    // It keeps its network for its whole life.
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

  /** Ends the threads whose network is no longer current, and starts others. */
  retire(isCurrent: (network: Network) => boolean): void {
    for (const thread of this.#warm.filter(({ network }) => network !== undefined && !isCurrent(network))) {
      this.lost(thread)
      void thread.terminate(new TroupeError('Canceled', 'its network is no longer current'))
    }
    this.#refill()
  }

  /** Settles when the existing spares have warmed up. */
  async ready(): Promise<void> {
    await Promise.all(this.#warm.map(async (thread) => thread.ready))
  }

  async close(): Promise<void> {
    this.#closed = true
    stopTimer(this.#refilling)
    await Promise.all(
      this.#warm.splice(0).map(async (thread) => thread.terminate(new TroupeError('Canceled', 'its host has stopped'))),
    )
  }

  #refill(): void {
    while (!this.#closed && this.#warm.length < this.#options.count) this.#warm.push(this.#options.start())
  }
}
