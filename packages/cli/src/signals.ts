/** SIGINT and SIGTERM: the first asks for an orderly stop, the second ends the program at once. */
import { constants } from 'node:os'

export type StopSignal = 'SIGINT' | 'SIGTERM'

/** Ctrl-C reaches a program that npm runs twice: from the terminal, and from npm. Longer apart, they are two wishes. */
const sameWish = 100

/** The status of a program that a signal ended. */
export function statusOf(signal: StopSignal): number {
  return 128 + constants.signals[signal]
}

/** Listens as long as it lives. */
export class StopSignals implements Disposable {
  /** The first signal. */
  readonly first: Promise<StopSignal>
  readonly #resolve: (signal: StopSignal) => void
  readonly #atOnce: (signal: StopSignal) => void
  #before: { readonly signal: StopSignal; readonly at: number } | undefined

  /** @param atOnce - Called with the second signal. */
  constructor(atOnce: (signal: StopSignal) => void) {
    const { promise, resolve } = Promise.withResolvers<StopSignal>()
    this.first = promise
    this.#resolve = resolve
    this.#atOnce = atOnce
    process.on('SIGINT', this.#onSignal).on('SIGTERM', this.#onSignal)
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal)
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' && signal !== 'SIGTERM') return
    const before = this.#before
    const at = performance.now()
    if (before === undefined) {
      this.#before = { signal, at }
      this.#resolve(signal)
    } else if (before.signal !== signal || at - before.at > sameWish) this.#atOnce(signal)
  }
}
