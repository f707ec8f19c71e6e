/** The outcome of each letter, in memory that all threads share: the entries of a killed thread stay. */
const sentBit = 1
const takenBit = 2
const rejectedBit = 4
const deadBit = 8
/** In the bits above the fates: the number of the sending thread. */
const threadShift = 8

export class Ledger {
  readonly #words: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared)
  }

  static create(letters: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * (letters + 1))
  }

  /** A new letter, as long as any are left. */
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
   * How many letters had each fate. `lost` were sent and have none. `orphaned` are those of them whose sender's thread
   * is also not among `threads`: when both sender and receiver were killed, no thread is left that could record the
   * fate.
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
