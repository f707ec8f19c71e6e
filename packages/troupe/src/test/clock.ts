/** A clock that does not run until a test advances it. */
import { type Calendar, invalid, parseDuration, systemClock } from '@troupe/core'
import { setImmediate as turn } from 'node:timers/promises'

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/**
 * The clock of an application under test. Its supervision uses it for delays, timeouts and thresholds. Everything else
 * (`receive`, `call`, the network) uses the system's clock.
 */
export class TestClock implements Calendar {
  readonly #timers = new Map<number, Timer>()
  /** The system's timers, once time runs by itself. */
  readonly #real = new Map<number, number>()
  readonly #start: number
  #now = 0
  #next = 1
  #released = false

  /**
   * Creates a clock that stands still.
   *
   * @example
   * ```ts
   * const clock = new TestClock('2026-01-01T00:00:00Z')
   * ```
   *
   * @param start - The date at the start of the test; by default that of the system.
   * @throws TroupeError `Invalid` for a text that is no date.
   */
  constructor(start: Date | string = new Date()) {
    this.#start = new Date(start).getTime()
    if (Number.isNaN(this.#start)) throw invalid(`${String(start)} is not a date`, { start: String(start) })
  }

  /**
   * Milliseconds by which the test has advanced the clock so far.
   *
   * @example
   * ```ts
   * await app.clock.advance('5s')
   * console.log(app.clock.now()) // 5000
   * ```
   */
  now(): number {
    return this.#now
  }

  /**
   * The date of the test, in milliseconds since 1970.
   *
   * @example
   * ```ts
   * const clock = new TestClock('2026-01-01T00:00:00Z')
   * await clock.advance('1h')
   * console.log(new Date(clock.date()).toISOString()) // 2026-01-01T01:00:00.000Z
   * ```
   */
  date(): number {
    return this.#start + this.#now
  }

  /**
   * Calls `fire` when the test has advanced the clock by `ms` milliseconds.
   *
   * @example
   * ```ts
   * const clock = new TestClock()
   * clock.setTimeout(() => console.log('five seconds later'), 5000)
   * await clock.advance('5s')
   * ```
   *
   * @returns a number, with which {@link TestClock.clearTimeout} cancels it.
   */
  setTimeout(fire: () => void, ms: number): number {
    const number = this.#next
    this.#next += 1
    if (this.#released) this.#real.set(number, systemClock.setTimeout(fire, ms))
    else this.#timers.set(number, { at: this.#now + ms, fire })
    return number
  }

  /**
   * Cancels what {@link TestClock.setTimeout} returned.
   *
   * @example
   * ```ts
   * const timer = app.clock.setTimeout(() => console.log('never'), 5000)
   * app.clock.clearTimeout(timer)
   * ```
   */
  clearTimeout(number: number): void {
    this.#timers.delete(number)
    const real = this.#real.get(number)
    if (real !== undefined) systemClock.clearTimeout(real)
    this.#real.delete(number)
  }

  /**
   * Advances time, timer by timer; the effects of one timer happen before the next fires.
   *
   * @example
   * ```ts
   * await app.clock.advance('5s')
   * await app.until('app:counter', 'Running')
   * ```
   *
   * @param by Milliseconds, or a duration such as `5s`.
   * @throws TroupeError `Invalid` for a negative time.
   */
  async advance(by: number | string): Promise<void> {
    const ms = typeof by === 'string' ? parseDuration(by) : by
    if (!(ms >= 0)) throw invalid(`time cannot be advanced by ${by}`, { by })
    const until = this.#now + ms
    for (let due = await this.#due(until); due !== undefined; due = await this.#due(until)) {
      this.#timers.delete(due.number)
      this.#now = Math.max(this.#now, due.at)
      due.fire()
    }
    this.#now = until
    await turn()
  }

  /**
   * Lets time run by itself again, so that an application can stop.
   *
   * @example
   * ```ts
   * app.clock.release()
   * await app.app.stop()
   * ```
   */
  release(): void {
    this.#released = true
    for (const [number, { at, fire }] of this.#timers)
      this.#real.set(number, systemClock.setTimeout(fire, at - this.#now))
    this.#timers.clear()
  }

  async #due(until: number): Promise<({ readonly number: number } & Timer) | undefined> {
    await turn()
    const due = Array.from(this.#timers, ([number, timer]) => ({ number, ...timer })).filter(({ at }) => at <= until)
    return due.toSorted((a, b) => a.at - b.at || a.number - b.number)[0]
  }
}
