/** Batches for another thread: posted in order as far as there is credit; the others wait. */
import type { Transferable } from 'node:worker_threads'
import type { Credit } from '../shared-memory/credit.ts'
import type { Signal } from '../protocol/signals.ts'
import { Deque } from './deque.ts'

/** Milliseconds for which the end of a thread waits until another thread continues to read. */
const patience = 1000

export interface Batch {
  readonly signals: readonly Signal[]
  /** Objects that move with the batch. */
  readonly moved: readonly Transferable[]
}

export class Unposted {
  readonly #post: (batch: Batch) => void
  readonly #credit: Credit | undefined
  readonly #waiting = new Deque<Batch>()
  /** Settles when no batch waits. */
  #flowing: Promise<void> | undefined
  #closed = false

  /** @param credit - `undefined` where the two threads share no memory: then nothing waits. */
  constructor(post: (batch: Batch) => void, credit: Credit | undefined) {
    this.#post = post
    this.#credit = credit
  }

  put(batch: Batch): void {
    if (this.#credit === undefined || (this.#waiting.size === 0 && this.#credit.take())) {
      this.#post(batch)
      return
    }
    this.#waiting.push(batch)
    this.#flowing ??= this.#receiveWindow()
  }

  /** Settles when all that was put so far is posted, or never will be. */
  async posted(): Promise<void> {
    await this.#flowing
  }

  /** The other end reads nothing more. */
  close(): void {
    this.#closed = true
    this.#credit?.close()
  }

  /** The thread ends: what was put before is still posted. */
  drain(): void {
    do this.#postWaiting()
    while (!this.#closed && this.#waiting.size > 0 && this.#credit?.wait(patience) === true)
  }

  async #receiveWindow(): Promise<void> {
    while (!this.#closed && this.#waiting.size > 0) {
      await this.#credit?.more()
      this.#postWaiting()
    }
    this.#flowing = undefined
  }

  #postWaiting(): void {
    while (!this.#closed && this.#waiting.size > 0 && this.#credit?.take() === true) {
      const next = this.#waiting.shift()
      if (next !== undefined) this.#post(next)
    }
  }
}
