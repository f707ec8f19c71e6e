/** The last rows of something, each with its number. */

/** A row of a {@link Tail}. */
export interface Numbered {
  /** Counts the rows since the start. */
  readonly number: number
  /** In milliseconds since 1970. */
  readonly at: number
}

/** Keeps the last rows, so that pages that look later also get them. */
export class Tail<Row> {
  readonly #rows: (Row & Numbered)[] = []
  readonly #most: number
  #last = 0

  /** @param most - Number of rows that are kept. */
  constructor(most = 500) {
    this.#most = most
  }

  add(row: Row): void {
    this.#last += 1
    this.#rows.push({ ...row, number: this.#last, at: Date.now() })
    if (this.#rows.length > this.#most) this.#rows.shift()
  }

  /** Returns the rows after that number. */
  after(number: number): readonly (Row & Numbered)[] {
    return this.#last <= number ? [] : this.#rows.filter((row) => row.number > number)
  }
}
