/** When to look next: after a while, or sooner where somebody doubts, but never too soon. */
import { sleep } from '@troupe/core'

export class ProbeSchedule implements Disposable {
  readonly #over = new AbortController()
  readonly #least: number
  #doubt = Promise.withResolvers<void>()

  /** @param least - Milliseconds between two looks, whoever doubts. */
  constructor(least: number) {
    this.#least = least
  }

  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** Aborts when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Somebody has met trouble: the next look is soon. */
  doubt(): void {
    this.#doubt.resolve()
  }

  /** Settles when the next look is due, or all is over. */
  async pause(usual: number): Promise<void> {
    const woken = new AbortController()
    const either = AbortSignal.any([this.#over.signal, woken.signal])
    await sleep(Math.min(usual, this.#least), either).catch(() => undefined)
    await Promise.race([sleep(Math.max(0, usual - this.#least), either).catch(() => undefined), this.#doubt.promise])
    woken.abort()
    this.#doubt = Promise.withResolvers()
  }

  [Symbol.dispose](): void {
    this.#over.abort()
  }
}
