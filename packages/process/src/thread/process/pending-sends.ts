/**
 * Messages of a process that are not posted yet. The end of the process waits for them, for a limited time; those that
 * are still here then are lost, and reported.
 */
import type { LostMessage } from '../../mailbox/kept-message.ts'
import { startTimer, stopTimer, type Timer } from '@troupe/core'

/** A waiting message: it waits for room at the receiver, or for the kernel to resolve a name. */
export interface PendingSend {
  /** A pid, or the name while its process is unknown. */
  readonly to: string
  readonly topic: string
  /** The message, where it was already copied. */
  readonly message?: LostMessage | undefined
  /** Whether the message must not be sent. */
  withdrawn: boolean
  /** Whether the message has left its sender. */
  isPosted?: boolean
}

export class PendingSends {
  /** A message that waits for room. Most processes wait with one at a time, so it is not worth a table. */
  #only: PendingSend | undefined
  readonly #held = new Map<object, PendingSend | undefined>()
  /** Number of messages that were released so far. */
  #released = 0
  #onEmpty: (() => void) | undefined

  get isEmpty(): boolean {
    return this.#only === undefined && this.#held.size === 0
  }

  /** Holds something until `settled` settles: a message, or a pending request if `held` is absent. */
  hold(settled: Promise<unknown>, held?: PendingSend): void {
    this.#held.set(settled, held)
    const release = () => {
      this.release(settled)
    }
    settled.then(release, release)
  }

  /**
   * Holds a message until it is released. Uses no promise, because a message that waits for room would need several.
   */
  note(held: PendingSend): void {
    if (this.#only === undefined) this.#only = held
    else this.#held.set(held, held)
  }

  /** The held message is posted or lost. */
  release(key: object): void {
    if (this.#only === key) this.#only = undefined
    else this.#held.delete(key)
    this.#released += 1
    if (this.isEmpty) this.#onEmpty?.()
  }

  /**
   * Waits until nothing is held, or until no held message was released for `ms`. So a slow receiver gets all messages,
   * and a receiver that takes none delays the end of the sender no longer than that. Withdraws the remaining messages,
   * and returns them.
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
    const left = [this.#only, ...this.#held.values()].filter((held) => held !== undefined)
    for (const held of left) held.withdrawn = true
    return left
  }
}
