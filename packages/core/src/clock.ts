/** A clock that can replace the system's: tests advance theirs by hand. */
import { startTimer, type Timer } from './timers.ts'

/** A source of time and timers; tests replace it. */
export interface Clock {
  /** Milliseconds since some fixed moment; never decreases. */
  now(): number
  /** Calls `then` after `ms` milliseconds, without an upper limit. Returns a number that clears the timer. */
  setTimeout(then: () => void, ms: number): number
  /** Cancels what {@link Clock.setTimeout} returned. */
  clearTimeout(timer: number): void
}

/**
 * A clock that knows the date.
 *
 * @example
 * ```ts
 * // A supervision whose delays take a tenth of the time.
 * const fast: Calendar = {
 *   now: () => performance.now() * 10,
 *   date: () => Date.now(),
 *   setTimeout: (then, ms) => Number(setTimeout(then, ms / 10)),
 *   clearTimeout: (timer) => clearTimeout(timer),
 * }
 * await using app = await boot({ root: '.', clock: fast })
 * ```
 */
export interface Calendar extends Clock {
  /** Milliseconds since 1970. It may be set back and forth. */
  date(): number
}

class SystemClock implements Calendar {
  readonly #timers = new Map<number, Timer>()
  #next = 1

  now(): number {
    return performance.now()
  }

  date(): number {
    return Date.now()
  }

  setTimeout(then: () => void, ms: number): number {
    const number = this.#next
    this.#next += 1
    const due = () => {
      this.#timers.delete(number)
      then()
    }
    this.#timers.set(number, startTimer(due, ms))
    return number
  }

  clearTimeout(number: number): void {
    this.#timers.get(number)?.stop()
    this.#timers.delete(number)
  }
}

/** The clock of the operating system. */
export const systemClock: Calendar = new SystemClock()
