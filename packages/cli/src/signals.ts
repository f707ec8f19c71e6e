/**
 * SIGINT, SIGTERM and SIGHUP (sent when the terminal closes). The first signal requests an orderly stop; the second
 * ends the program at once.
 */
import { constants } from 'node:os'

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export type StopSignal = (typeof stopSignals)[number]

/**
 * Ctrl-C reaches a program that npm runs twice: from the terminal, and from npm. Signals further apart count as two.
 */
const sameWish = 100

/** The status of a program that a signal ended. */
export function statusOf(signal: StopSignal): number {
  return 128 + constants.signals[signal]
}

/** Listens until disposed. */
export class StopSignals implements Disposable {
  /** The first signal. */
  readonly first: Promise<StopSignal>
  readonly #resolve: (signal: StopSignal) => void
  readonly #atOnce: (signal: StopSignal) => void
  #before: { readonly signal: StopSignal; readonly at: number } | undefined

  /**
   * @param atOnce - Called with the second signal.
   * @param signals - Those that stop. @default all
   */
  constructor(atOnce: (signal: StopSignal) => void, signals: readonly StopSignal[] = stopSignals) {
    const { promise, resolve } = Promise.withResolvers<StopSignal>()
    this.first = promise
    this.#resolve = resolve
    this.#atOnce = atOnce
    for (const signal of signals) process.on(signal, this.#onSignal)
  }

  [Symbol.dispose](): void {
    for (const signal of stopSignals) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    const signal = stopSignals.find((each) => each === name)
    if (signal === undefined) return
    const before = this.#before
    const at = performance.now()
    if (before === undefined) {
      this.#before = { signal, at }
      this.#resolve(signal)
    } else if (before.signal !== signal || at - before.at > sameWish) this.#atOnce(signal)
  }
}
