/** Limits how much work runs at a time; the rest waits in order. */
import { TroupeError } from './errors.ts'

/** Work that must not run all at once. */
export class Semaphore {
  readonly #most: number
  readonly #maxWaiting: number
  readonly #full: (waiting: number) => TroupeError
  readonly #waiting: (() => void)[] = []
  #running = 0

  /**
   * @param most - Maximum number at a time.
   * @param maxWaiting - Maximum number that waits.
   * @param full - The error of work beyond that. @default `RateLimited`
   */
  constructor(most: number, maxWaiting = Number.POSITIVE_INFINITY, full = rateLimited) {
    this.#most = most
    this.#maxWaiting = maxWaiting
    this.#full = full
  }

  /** Runs `work` in its turn. @throws what it throws; the error of a full queue. */
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
    if (this.#waiting.length >= this.#maxWaiting) throw this.#full(this.#maxWaiting)
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}

function rateLimited(waiting: number): TroupeError {
  return new TroupeError('RateLimited', `the queue is full: ${waiting} are waiting already`, { details: { waiting } })
}
