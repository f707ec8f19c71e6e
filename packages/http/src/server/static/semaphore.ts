/** Limits how many operations run at the same time; the others wait in order of arrival. */
import { unavailable } from '@troupe/core'

export class Semaphore {
  #free: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number, maxWaiting: number) {
    this.#free = count
    this.#maxWaiting = maxWaiting
  }

  /** @throws TroupeError `Unavailable` when too many wait. */
  async run<T>(fn: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else {
      if (this.#waiting.length >= this.#maxWaiting) throw unavailable(`${this.#maxWaiting} requests wait for files already`, {})
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    try {
      return await fn()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
