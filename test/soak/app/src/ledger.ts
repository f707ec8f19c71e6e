/** What became of each letter, in memory that all threads share: what a killed thread has written stays. */
const sentBit = 1
const takenBit = 2
const rejectedBit = 4
const deadBit = 8
/** Above the fates: the number of the thread that sent it. */
const threadShift = 8

export class Ledger {
  readonly #words: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared)
  }

  static create(letters: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * (letters + 1))
  }

  /** A new letter, while there are any left. */
  next(): number | undefined {
    const letter = Atomics.add(this.#words, 0, 1) + 1
    return letter < this.#words.length ? letter : undefined
  }

  sent(letter: number, thread: number): void {
    this.#mark(letter, sentBit | (thread << threadShift))
  }

  taken(letter: number): void {
    this.#mark(letter, takenBit)
  }

  rejected(letter: number): void {
    this.#mark(letter, rejectedBit)
  }

  dead(letter: number): void {
    this.#mark(letter, deadBit)
  }

  /**
   * How many letters had each fate. `lost` were sent and have none; `orphaned` are those of them whose sender's thread is not among `threads`
   * either: when sender and receiver were both killed, nobody is left who could tell.
   */
  sum(threads: ReadonlySet<number>) {
    const letters = [...this.#words.subarray(1)]
    const having = (bit: number) => letters.filter((bits) => (bits & bit) !== 0).length
    const lost = letters.filter((bits) => (bits & sentBit) !== 0 && (bits & (takenBit | deadBit)) === 0)
    const orphaned = lost.filter((bits) => !threads.has(bits >> threadShift)).length
    return {
      sent: having(sentBit),
      taken: having(takenBit),
      rejected: having(rejectedBit),
      dead: having(deadBit),
      lost: lost.length,
      orphaned,
    }
  }

  #mark(letter: number, bit: number): void {
    Atomics.or(this.#words, letter, bit)
  }
}
