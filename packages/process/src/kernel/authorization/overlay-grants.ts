/**
 * Which threads may dial which overlays. A thread gets a route only after it was granted the overlay: because the frame of a process in
 * it has it, or because the code in it chose it for one request and was allowed to.
 */
import type { EntryId, Frame } from '@troupe/core'
import { directNetwork } from '@troupe/policy/kernel'
import { always, type Warrant } from './grant-validity.ts'

/** The clear network is granted like an overlay. */
type Resource = EntryId | typeof directNetwork

type Warranted = Map<Resource, Set<Warrant>>

export class Grants {
  readonly #held = new Map<number, Warranted>()
  readonly #warrants = new WeakMap<Frame, Warrant>()
  grant(thread: number, overlay: EntryId | null, warrant: Warrant = always): void {
    const held: Warranted = this.#held.get(thread) ?? new Map()
    const resource = overlay ?? directNetwork
    const known = held.get(resource)
    if (known === undefined) held.set(resource, new Set([warrant]))
    else known.add(warrant)
    this.#held.set(thread, held)
  }

  /** A thread runs something in `frame`: it may dial the overlay of that. */
  grantFrame(thread: number, frame: Frame): void {
    if (frame.overlay !== undefined) this.grant(thread, frame.overlay, this.warrantOf(frame))
  }

  /** Says why a frame has its overlay. */
  warrant(frame: Frame, warrant: Warrant): void {
    if (warrant !== always) this.#warrants.set(frame, warrant)
  }

  warrantOf(frame: Frame): Warrant {
    return this.#warrants.get(frame) ?? always
  }

  holds(thread: number, overlay: EntryId | null): boolean {
    return this.standing(thread, overlay) !== undefined
  }

  /** Why a thread may use an overlay now, if it may. */
  standing(thread: number, overlay: EntryId | null): Warrant | undefined {
    return this.#held
      .get(thread)
      ?.get(overlay ?? directNetwork)
      ?.values()
      .find(({ stands }) => stands)
  }

  /** A thread has ended. */
  threadGone(thread: number): void {
    this.#held.delete(thread)
  }
}
