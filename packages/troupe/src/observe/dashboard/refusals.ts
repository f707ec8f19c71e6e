/** Notes the actions of readers, which are refused: a few lines a second, so that a reader cannot fill the log. */
import { startTimer, stopTimer, type Timer } from '@troupe/core'
import type { OperatorAction } from '../attach-files.ts'
import { wordsOf } from '../operator-actions.ts'

/** Lines in each second. */
const mostLines = 3
const pace = 1000

export class Refusals implements Disposable {
  readonly #note: (line: string) => void
  #count = 0
  #timer: Timer | undefined

  constructor(note: (line: string) => void) {
    this.#note = note
  }

  add(action: OperatorAction): void {
    this.#timer ??= startTimer(() => {
      this[Symbol.dispose]()
    }, pace).unref()
    this.#count += 1
    if (this.#count <= mostLines) this.#note(`dashboard, reader: ${wordsOf(action)} was refused`)
  }

  /** Notes how many had no line. */
  [Symbol.dispose](): void {
    stopTimer(this.#timer)
    this.#timer = undefined
    const further = this.#count - mostLines
    this.#count = 0
    if (further > 0) this.#note(`dashboard, reader: further actions were refused: ${further}`)
  }
}
