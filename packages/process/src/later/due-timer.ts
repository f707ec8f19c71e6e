/** A timer for a duration, or for a moment of the calendar. */
import type { Calendar } from '@troupe/core'

/**
 * The longest wait in milliseconds until the calendar is read again: it may be corrected, and a machine may have slept.
 */
const longestWait = 60_000

/** Attempts to send what is durable, and the milliseconds before the second, which double with each attempt. */
export const attempts = 6
const firstRetry = 1_000

/** The milliseconds to wait after an attempt that failed; the first is number 1. */
export function retryDelay(attempt: number): number {
  return firstRetry * 2 ** (attempt - 1)
}

export class DueTimer implements Disposable {
  readonly #clock: Calendar
  readonly #then: () => void
  readonly #stillHolds: () => boolean
  #timer: number | undefined

  /**
   * @param time - `in`: milliseconds from now; `at`: milliseconds since 1970.
   * @param stillHolds - Whether to wait on, each time that the calendar was read again before the moment.
   */
  constructor(
    clock: Calendar,
    time: { readonly in: number } | { readonly at: number },
    then: () => void,
    stillHolds = () => true,
  ) {
    this.#clock = clock
    this.#then = then
    this.#stillHolds = stillHolds
    if ('in' in time) this.#timer = clock.setTimeout(then, Math.max(0, time.in))
    else this.#waitFor(time.at)
  }

  #waitFor(at: number): void {
    const left = at - this.#clock.date()
    const due = () => {
      if (left <= longestWait && this.#clock.date() >= at) this.#then()
      else if (this.#stillHolds()) this.#waitFor(at)
    }
    this.#timer = this.#clock.setTimeout(due, Math.min(longestWait, Math.max(0, left)))
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
