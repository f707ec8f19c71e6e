/** Schedules probes: at a usual interval, or sooner after a report of trouble, but with a minimum distance. */
import { sleep, TroupeError } from '@troupe/core'

/** One for all: a reason of Node's own would have a stack trace each time. */
const over = new TroupeError('Canceled', 'the probe is no longer needed')

export class ProbeSchedule implements Disposable {
  readonly #over = new AbortController()
  readonly #least: number
  #doubt = Promise.withResolvers<void>()

  /** @param least - Minimum milliseconds between two probes, even after reports of trouble. */
  constructor(least: number) {
    this.#least = least
  }

  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** Aborts when the schedule ends. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Reports trouble: the next probe is soon. */
  doubt(): void {
    this.#doubt.resolve()
  }

  /** Settles when the next probe is due, or the schedule ends. */
  async pause(usual: number): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([this.#over.signal, woken.signal])
    await sleep(Math.min(usual, this.#least), either).catch(() => undefined)
    await Promise.race([sleep(Math.max(0, usual - this.#least), either).catch(() => undefined), this.#doubt.promise])
    woken.abort(over)
    this.#doubt = Promise.withResolvers()
  }

  [Symbol.dispose](): void {
    this.#over.abort(over)
  }
}
