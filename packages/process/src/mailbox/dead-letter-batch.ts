/** Dead letters of a thread, collected per turn and reported to the kernel. */
import type { DeadLetter } from '../protocol/kernel-thread.ts'

/** Maximum number of messages per turn that are reported individually; of the rest only the number is reported. */
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
