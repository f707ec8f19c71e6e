/** A call of a function, as the thread that runs it holds it. */
import { type Frame, type Pid, TroupeError } from '@troupe/core'
import { Participant } from './participant.ts'

export class LocalCall extends Participant {
  /** Rejects when the call ends other than by its function: an error that nobody caught, or leave to wait no longer. */
  readonly failed: Promise<never>
  readonly #fail: (error: unknown) => void
  #controller: AbortController | undefined
  #reason: TroupeError | undefined
  #ended = false

  constructor(pid: Pid, frame: Frame) {
    super(pid, frame)
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.failed = promise
    this.#fail = reject
  }

  /** Made only where it is asked for: most functions never do. */
  override get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Aborts its signal. What the function makes of that is its own. */
  cancel(reason: string): void {
    this.#reason ??= new TroupeError('Canceled', reason)
    this.#controller?.abort(this.#reason)
  }

  /** Ends it with an error, whatever its function still does. */
  fail(error: unknown): void {
    this.#fail(error)
  }

  end(): void {
    this.#ended = true
  }
}
