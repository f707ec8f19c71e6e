/** The reasons to end a request early: its own timeout, the frame's deadline, the caller's signal. */
import { formatDuration, startDeadline, startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'

export interface DeadlineOptions {
  /** Milliseconds until the head of the response must have arrived. */
  readonly timeout: number
  /** Unix time in milliseconds. */
  readonly deadline: number | undefined
  readonly signal: AbortSignal | undefined
}

/** Is notified that a request has ended early. */
export interface EndListener {
  watchEnded(reason: TroupeError): void
}

/**
 * Watches one request until it is disposed: after the last byte of the response, or after a failure. A request waits
 * for one thing at a time, so one listener is enough. An AbortController with its events costs more than all the rest
 * of a small request.
 */
export class Deadline implements Disposable {
  /**
   * Notified once. An object, because a closure in a property would be allocated as old
   * (`docs/discoveries/0031-closures-born-old.md`).
   */
  listener: EndListener | undefined
  /** Unix time in milliseconds after which the request no longer waits for the head of the response. */
  readonly patience: number
  readonly #caller: AbortSignal | undefined
  readonly #deadline: Timer | undefined
  readonly #timeout: Timer | undefined
  #reason: TroupeError | undefined

  constructor({ timeout, deadline, signal }: DeadlineOptions) {
    const now = Date.now()
    this.patience = deadline === undefined ? now + timeout : Math.min(now + timeout, deadline)
    this.#caller = signal
    if (signal?.aborted === true) this.#canceled()
    else if (deadline !== undefined && deadline <= now) this.end(deadlinePassed())
    else {
      signal?.addEventListener('abort', this.#canceled, { once: true })
      if (deadline !== undefined) this.#deadline = startDeadline(() => this.end(deadlinePassed()), deadline - now)
      this.#timeout = startDeadline(() => this.end(timedOut(timeout)), timeout)
    }
  }

  /** Returns the TroupeError that ended the request. */
  get reason(): TroupeError | undefined {
    return this.#reason
  }

  /** Returns the milliseconds until the head of the response must have arrived. */
  get left(): number {
    return this.patience - Date.now()
  }

  /** @throws the TroupeError that ended the request. */
  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  /** Records that the head of the response has arrived: the timeout ends; the deadline and the signal still apply. */
  answered(): void {
    stopTimer(this.#timeout)
  }

  /** Settles like `promise`, or rejects with the error that ends the watch, whichever comes first. */
  race<T>(promise: Promise<T>): Promise<T> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason)
    return new Promise((resolve, reject) => {
      this.listener = { watchEnded: reject }
      promise.then(resolve, reject)
    })
  }

  /** Waits. @throws the TroupeError that ended the request in the meantime. */
  async pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    using _timer = startTimer(resolve, milliseconds)
    await this.race(promise)
  }

  /** Ends the request. */
  end(reason: TroupeError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this[Symbol.dispose]()
    this.listener?.watchEnded(reason)
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timeout)
    stopTimer(this.#deadline)
    this.#caller?.removeEventListener('abort', this.#canceled)
  }

  readonly #canceled = () => {
    this.end(new TroupeError('Canceled', 'the caller aborted it', { cause: this.#caller?.reason }))
  }
}

function timedOut(timeout: number): TroupeError {
  return new TroupeError('Timeout', `no response within ${formatDuration(timeout)}`)
}

function deadlinePassed(): TroupeError {
  return new TroupeError('Timeout', "the frame's deadline has passed")
}
