/** The state of an overlay, as the kernel last determined it. Changes are reported in the log and on a channel. */
import type { EntryId, Log } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'

/**
 * `up`: recent evidence shows that it works. `degraded`: it works in part. `starting`: its state is still unknown, or
 * it starts by itself or after the action that the reason names. `down`: it does not work; retries may follow.
 */
export type OverlayCondition = 'up' | 'degraded' | 'starting' | 'down'

/** An event of the channel `troupe:overlay:state`, in the program's thread: the condition of an overlay has changed. */
export interface OverlayStateEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** The state now. */
  readonly state: OverlayCondition
  /** The state before. */
  readonly before: OverlayCondition
  /** Why it is not up. */
  readonly reason?: string
  /** When it changed: Unix time in milliseconds. */
  readonly since: number
}

const changes = channel('troupe:overlay:state')

/** The result of one check of an overlay. */
export interface Finding {
  readonly state: OverlayCondition
  readonly reason?: string | undefined
}

/** The state of one overlay; reports changes in the log and on the channel `troupe:overlay:state`. */
export class OverlayState {
  readonly #overlay: EntryId
  readonly #log: Log
  #state: OverlayCondition = 'starting'
  #reason: string | undefined
  #since = Date.now()

  constructor(overlay: EntryId, log: Log) {
    this.#overlay = overlay
    this.#log = log
  }

  get view(): { readonly state: OverlayCondition; readonly reason?: string; readonly since: number } {
    return { state: this.#state, since: this.#since, ...(this.#reason !== undefined && { reason: this.#reason }) }
  }

  /** Records the result of a check, and reports it if the state changed. */
  become({ state, reason }: Finding): void {
    const before = this.#state
    this.#reason = reason
    if (state === before) return
    this.#state = state
    this.#since = Date.now()
    this.#log(`overlay ${this.#overlay} is ${state}${reason === undefined ? '' : `: ${reason}`}`, {
      level: state === 'down' || state === 'degraded' ? 'warn' : 'info',
      overlay: this.#overlay,
    })
    if (!changes.hasSubscribers) return
    const event: OverlayStateEvent = { overlay: this.#overlay, before, ...this.view }
    changes.publish(event)
  }
}
