/** What a process has sent that is not on its way yet. Its end waits for that, for a while; what is still here then is lost, and told. */
import { startTimer, stopTimer, type Timer } from '@troupe/core'

/** A message that waits: for room at the receiver, or for the kernel to say who has the name. */
export interface PendingSend {
  /** A pid, or the name while it is not known whose it is. */
  readonly to: string
  readonly topic: string
  /** It is not to be sent any more. */
  withdrawn: boolean
}

export class PendingSends {
  readonly #held = new Map<object, PendingSend | undefined>()
  /** Messages that have left so far. */
  #released = 0
  #onEmpty: (() => void) | undefined

  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  /** Holds something until `settled` is; a message, unless it is but a question on its way. */
  hold(settled: Promise<unknown>, held?: PendingSend): void {
    this.#held.set(settled, held)
    const release = () => {
      this.release(settled)
    }
    settled.then(release, release)
  }

  /** Holds a message until it is released: without a promise, of which a message that waits for room would need several. */
  note(held: PendingSend): void {
    this.#held.set(held, held)
  }

  /** What was held is on its way, or lost. */
  release(key: object): void {
    this.#held.delete(key)
    this.#released += 1
    if (this.isEmpty) this.#onEmpty?.()
  }

  /**
   * Waits until nothing is held, or until none of it has left for `ms`: a receiver that is slow gets all, one that takes nothing holds the
   * end of the sender up no longer than that. Withdraws the messages that are left, and returns them.
   */
  async drain(ms: number): Promise<readonly PendingSend[]> {
    if (!this.isEmpty && ms > 0) {
      await new Promise<void>((resolve) => {
        let seen = this.#released
        let timer: Timer
        const look = () => {
          if (seen === this.#released) resolve()
          else {
            seen = this.#released
            timer = startTimer(look, ms)
          }
        }
        timer = startTimer(look, ms)
        this.#onEmpty = () => {
          stopTimer(timer)
          resolve()
        }
      })
    }
    const left = [...this.#held.values()].filter((held) => held !== undefined)
    for (const held of left) held.withdrawn = true
    return left
  }
}
