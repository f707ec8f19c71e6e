/** Dead letters of a thread, gathered per turn and told to the kernel. */
import type { DeadLetter } from '../protocol/kernel-thread.ts'

/** Messages that are told one by one in a turn; of more only their number is. */
const maxTold = 100

export class DeadLetterBatch {
  readonly #tell: (letters: readonly DeadLetter[], dropped: number) => void
  #letters: DeadLetter[] = []
  #dropped = 0

  constructor(tell: (letters: readonly DeadLetter[], dropped: number) => void) {
    this.#tell = tell
  }

  add(letter: DeadLetter): void {
    if (this.#letters.length === 0) process.nextTick(this.flush)
    if (this.#letters.length < maxTold) this.#letters.push(letter)
    else this.#dropped += 1
  }

  readonly flush = () => {
    if (this.#letters.length === 0) return
    const letters = this.#letters
    const dropped = this.#dropped
    this.#letters = []
    this.#dropped = 0
    this.#tell(letters, dropped)
  }
}
