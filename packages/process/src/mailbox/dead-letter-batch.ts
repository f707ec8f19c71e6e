/** Dead letters of a thread, collected per turn and reported to the kernel. */
import type { LostLetter } from '../protocol/kernel-thread.ts'
import { keepMessage, type LostMessage } from './kept-message.ts'

/** Maximum number of messages per turn that are reported individually; of the rest only the number is reported. */
const maxListed = 100
/** Maximum number of characters of each text in a dead letter: the kernel keeps the last letters of all threads. */
export const maxLetterText = 4096

/** A message that is lost here. */
export interface DeadEnvelope extends Omit<LostLetter, 'kept'> {
  /** The message, where it is still here. */
  readonly message?: LostMessage | undefined
}

export class DeadLetterBatch {
  readonly #tell: (letters: readonly LostLetter[], dropped: number) => void
  /** Maximum number of bytes of a content that is kept. */
  readonly #mostKept: number
  #letters: LostLetter[] = []
  #dropped = 0

  constructor(mostKept: number, tell: (letters: readonly LostLetter[], dropped: number) => void) {
    this.#mostKept = mostKept
    this.#tell = tell
  }

  add(letter: DeadEnvelope): void {
    if (this.#letters.length === 0) process.nextTick(this.flush)
    if (this.#letters.length < maxListed) this.#letters.push(this.#letterOf(letter))
    else this.#dropped += 1
  }

  #letterOf({ from, to, topic, reason, message }: DeadEnvelope): LostLetter {
    const kept = this.#mostKept === 0 || message === undefined ? undefined : keepMessage(message, this.#mostKept)
    return { from, to: short(to), topic: short(topic), reason: short(reason), ...(kept && { kept }) }
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

function short(text: string): string {
  return text.length <= maxLetterText ? text : `${text.slice(0, maxLetterText - 1)}…`
}
