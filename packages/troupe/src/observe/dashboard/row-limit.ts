/** How many processes of each thread are observed, so that those of all threads are no more than a number. */
export class RowLimit {
  readonly #most: number
  #threads = 1
  #limit = 0

  /** @param most - Of all threads. */
  constructor(most: number) {
    this.#most = most
  }

  /** Returns the limit of each of so many threads. */
  of(threads: number): number {
    this.#threads = Math.max(1, threads)
    this.#limit = Math.max(this.#limit, this.#share)
    return this.#limit
  }

  /** Threads that have more processes get what the others leave. */
  observed(rows: readonly { readonly thread: number }[]): void {
    const counts = new Map<number, number>()
    for (const { thread } of rows) counts.set(thread, (counts.get(thread) ?? 0) + 1)
    const full = [...counts.values()].filter((count) => count >= this.#limit).length
    if (rows.length > this.#most) this.#limit = this.#share
    else if (full > 0) this.#limit += Math.floor((this.#most - rows.length) / full)
  }

  get #share(): number {
    return Math.ceil(this.#most / this.#threads)
  }
}
