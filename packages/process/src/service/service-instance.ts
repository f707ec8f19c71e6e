/** What a service's machine drives: the incarnations of the service, one after the other, never two at a time. */
import { TroupeError } from '@troupe/core'
import type { Exit } from '../thread/process/event-queue.ts'

/** A service that is up. */
export interface Running {
  /** Settles when it ends, by itself or by {@link stop}. */
  readonly ended: Promise<Exit>
  /** Stops it in order, as long as `hurry` does not abort; then at once. */
  stop(hurry: AbortSignal): Promise<void>
}

/** Brings a service up; rejects when it does not come. The signal aborts when nobody waits any more. */
export type Start = (signal: AbortSignal) => Promise<Running>

interface Incarnation {
  readonly started: Promise<Running>
  readonly abandoned: AbortController
}

export class ServiceInstance {
  readonly #start: Start
  #present: Incarnation | undefined
  /** Settles when nothing is left of the incarnation that was abandoned last. */
  #abandoned: Promise<void> = Promise.resolve()
  #hurry = new AbortController()

  constructor(start: Start) {
    this.#start = start
  }

  /** Begins an incarnation. Settles when it is up, or has failed to come up. */
  async begin(): Promise<void> {
    const abandoned = new AbortController()
    const started = this.#follow(abandoned.signal)
    this.#present = { started, abandoned }
    await started
  }

  /** How the present incarnation ends. */
  async ended(): Promise<Exit> {
    const running = await this.#present?.started
    return running === undefined ? { value: undefined } : running.ended
  }

  /** Ends the present incarnation, be it up or on its way. Settles when nothing of it is left. */
  async end(): Promise<void> {
    const present = this.#present
    const hurry = new AbortController()
    this.#hurry = hurry
    present?.abandoned.abort(new TroupeError('Canceled', 'it was stopped while it started'))
    const running = await present?.started.catch(() => undefined)
    await running?.stop(hurry.signal)
  }

  /** Lets {@link end} lose no more time. */
  hurry(): void {
    this.#hurry.abort()
  }

  /** Nobody waits any more for the incarnation that begins: should it come up after all, it is ended at once. */
  abandon(): void {
    this.#abandoned = this.end().catch(() => undefined)
    this.hurry()
  }

  async #follow(signal: AbortSignal): Promise<Running> {
    await this.#abandoned
    signal.throwIfAborted()
    return this.#start(signal)
  }
}
