/** A time that can be put in the place of the system's: tests move theirs by hand. */
import { startTimer, type Timer } from './timers.ts'

export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Calls `then` in `ms` milliseconds, however many they are. Returns a number by which it can be cleared. */
  setTimeout(then: () => void, ms: number): number
  clearTimeout(timer: number): void
}

class SystemClock implements Clock {
  readonly #timers = new Map<number, Timer>()
  #next = 1

  now(): number {
    return performance.now()
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

export const systemClock: Clock = new SystemClock()
