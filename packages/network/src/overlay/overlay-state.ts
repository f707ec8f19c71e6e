/** How an overlay does, as the kernel has found it: a change is told in the log and on a channel. */
import type { EntryId } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'

/**
 * `up`: something has shown lately that it works. `degraded`: it works in part. `starting`: nothing is known yet, or it comes up by itself,
 * or once somebody has done what the reason says. `down`: it does not work, and is tried again, or never.
 */
export type OverlayCondition = 'up' | 'degraded' | 'starting' | 'down'

/** An event of the channel `troupe:overlay:state`: the condition of an overlay is another one. */
export interface OverlayStateEvent {
  readonly overlay: EntryId
  readonly state: OverlayCondition
  readonly before: OverlayCondition
  /** Why it is not up. */
  readonly reason?: string
  /** Unix time in milliseconds. */
  readonly since: number
}

const changes = channel('troupe:overlay:state')

/** What is found about an overlay at one time. */
export interface Finding {
  readonly state: OverlayCondition
  readonly reason?: string | undefined
}

export class OverlayState {
  readonly #overlay: EntryId
  readonly #log: (line: string) => void
  #state: OverlayCondition = 'starting'
  #reason: string | undefined
  #since = Date.now()

  constructor(overlay: EntryId, log: (line: string) => void) {
    this.#overlay = overlay
    this.#log = log
  }

  get view(): { readonly state: OverlayCondition; readonly reason?: string; readonly since: number } {
    return { state: this.#state, since: this.#since, ...(this.#reason !== undefined && { reason: this.#reason }) }
  }

  /** Notes what was found; tells of it where the state is another one. */
  become({ state, reason }: Finding): void {
    const before = this.#state
    this.#reason = reason
    if (state === before) return
    this.#state = state
    this.#since = Date.now()
    this.#log(`overlay ${this.#overlay} is ${state}${reason === undefined ? '' : `: ${reason}`}`)
    if (!changes.hasSubscribers) return
    const event: OverlayStateEvent = { overlay: this.#overlay, before, ...this.view }
    changes.publish(event)
  }
}
