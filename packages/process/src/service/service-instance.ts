/** The incarnations of a service, driven by its state machine: one after the other, never two at a time. */
import { TroupeError } from '@troupe/core'
import type { Exit } from '../thread/process/event-queue.ts'

/** A running service. */
export interface Running {
  /** Settles when it ends, by itself or by {@link stop}. */
  readonly ended: Promise<Exit>
  /** Stops it in an orderly way until `hurry` aborts; then at once. */
  stop(hurry: AbortSignal): Promise<void>
}

/** Starts a service; rejects when it does not start. The signal aborts when the start is no longer wanted. */
export type Start = (signal: AbortSignal) => Promise<Running>

interface Incarnation {
  readonly started: Promise<Running>
  readonly abandoned: AbortController
}

export class ServiceInstance {
  readonly #start: Start
  #present: Incarnation | undefined
  /** Settles when nothing remains of the incarnation that was abandoned last. */
  #abandoned: Promise<void> = Promise.resolve()
  #hurry = new AbortController()

  constructor(start: Start) {
    this.#start = start
  }

  /** Begins an incarnation. Settles when it runs, or has failed to start. */
  async begin(): Promise<void> {
    const abandoned = new AbortController()
    const started = this.#follow(abandoned.signal)
    this.#present = { started, abandoned }
    await started
  }

  /** How the current incarnation ends. */
  async ended(): Promise<Exit> {
    const running = await this.#present?.started
    return running === undefined ? { value: undefined } : running.ended
  }

  /** Ends the current incarnation, whether it runs or is starting. Settles when nothing of it remains. */
  async end(): Promise<void> {
    const present = this.#present
    const hurry = new AbortController()
    this.#hurry = hurry
    present?.abandoned.abort(new TroupeError('Canceled', 'it was stopped while it started'))
    const running = await present?.started.catch(() => undefined)
    await running?.stop(hurry.signal)
  }

  /** Makes {@link end} stop at once. */
  hurry(): void {
    this.#hurry.abort()
  }

  /** The starting incarnation is no longer wanted: if it starts nevertheless, it is ended at once. */
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
