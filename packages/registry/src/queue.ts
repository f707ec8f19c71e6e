/** Work that must not overlap: one after the other, in the order in which it came. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` once all that came before has ended, however it ended. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}
