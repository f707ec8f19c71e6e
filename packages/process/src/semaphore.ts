/** Limits how much work runs at a time; the rest waits in order. */
import { TroupeError } from '@troupe/core'

export class Semaphore {
  readonly #most: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param most - Maximum number at a time. @param maxWaiting - Beyond it, `RateLimited`. */
  constructor(most: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#most = most
    this.#maxWaiting = maxWaiting
  }

  async acquire<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await this.#turn()
    else this.#running += 1
    try {
      return await work()
    } finally {
      // The slot passes directly to the next in the queue, so that a newcomer cannot take it.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new TroupeError('RateLimited', `the queue is full: ${this.#maxWaiting} are waiting already`, {
        details: { waiting: this.#maxWaiting },
      })
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}
