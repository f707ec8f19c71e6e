/** What may end a request early: its own timeout, the frame's deadline, the caller's signal. */
import { formatDuration, TroupeError } from '@troupe/core'

/** Node's timers hold 31 bits; what is longer fires at once. */
const longestTimer = 2 ** 31 - 1

export interface WatchOptions {
  /** Milliseconds until the head of the answer has to be there. */
  readonly timeout: number
  /** Unix time in milliseconds. */
  readonly deadline: number | undefined
  readonly signal: AbortSignal | undefined
}

/** Watches one request until it is disposed: after the last byte of the answer, or after a failure. */
export class Watch implements Disposable {
  readonly #ending = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #deadline: NodeJS.Timeout | undefined
  readonly #timeout: NodeJS.Timeout | undefined
  /** Unix time in milliseconds after which nobody waits for the head of the answer. */
  readonly patience: number

  constructor({ timeout, deadline, signal }: WatchOptions) {
    const now = Date.now()
    this.patience = Math.min(now + timeout, deadline ?? Number.POSITIVE_INFINITY)
    this.#caller = signal
    if (signal?.aborted === true) this.#canceled()
    else if (deadline !== undefined && deadline <= now) this.#late()
    else {
      signal?.addEventListener('abort', this.#canceled, { once: true })
      if (deadline !== undefined && deadline - now <= longestTimer) this.#deadline = setTimeout(this.#late, deadline - now)
      if (timeout <= longestTimer) {
        const text = `no answer within ${formatDuration(timeout)}`
        this.#timeout = setTimeout(() => this.end(new TroupeError('Timeout', text)), timeout)
      }
    }
  }

  /** Aborts with the TroupeError that says why. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** The head of the answer has come: the timeout is over, the deadline and the signal still count. */
  answered(): void {
    clearTimeout(this.#timeout)
  }

  /** `promise`, or the error that ends the watch, whichever comes first. */
  async race<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([promise, ended])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timeout)
    clearTimeout(this.#deadline)
    this.#caller?.removeEventListener('abort', this.#canceled)
  }

  readonly #canceled = () => {
    this.end(new TroupeError('Canceled', 'the caller aborted it', { cause: this.#caller?.reason }))
  }

  readonly #late = () => {
    this.end(new TroupeError('Timeout', "the frame's deadline has passed"))
  }

  /** Ends the request. */
  end(reason: TroupeError): void {
    this[Symbol.dispose]()
    this.#ending.abort(reason)
  }
}
