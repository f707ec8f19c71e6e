/** Runs work that must not overlap, one piece after another, in the order of arrival. */
import { unavailable, yielding } from '@troupe/core'

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  #closed = false

  /** Runs `work` once all earlier work has ended, and accepts no work after it. */
  async close(work: () => Promise<void>): Promise<void> {
    if (this.#closed) return
    const last = this.run(work)
    this.#closed = true
    await last
  }

  /** Runs `work` once all earlier work has ended, whether it succeeded or failed. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable('the registry is closed, because the application is stopping')
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return yielding(mine)
  }
}
