/** Work that must not overlap: one after the other, in the order in which it came. */
import { unavailable, yielding } from '@troupe/core'

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  #closed = false

  /** Runs `work` once all that came before has ended, and nothing after it. */
  async close(work: () => Promise<void>): Promise<void> {
    if (this.#closed) return
    const last = this.run(work)
    this.#closed = true
    await last
  }

  /** Runs `work` once all that came before has ended, however it ended. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable('nothing can be changed any more: the application stops')
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return yielding(mine)
  }
}
