/**
 * Records which threads may dial which overlays. A thread gets a route only after it was granted the overlay: because
 * the frame of a process in it has the overlay, or because code in it chose the overlay for one request and was allowed
 * to.
 */
import type { EntryId, Frame } from '@troupe/core'
import { directNetwork } from '@troupe/policy/kernel'
import { always, type Grant } from './grant-validity.ts'

/** The clear network is granted like an overlay. */
type Resource = EntryId | typeof directNetwork

type GrantsByOverlay = Map<Resource, Set<Grant>>

export class OverlayGrants {
  readonly #held = new Map<number, GrantsByOverlay>()
  readonly #grants = new WeakMap<Frame, Grant>()
  grant(thread: number, overlay: EntryId | null, grant: Grant = always): void {
    const held: GrantsByOverlay = this.#held.get(thread) ?? new Map()
    const resource = overlay ?? directNetwork
    const known = held.get(resource)
    if (known === undefined) held.set(resource, new Set([grant]))
    else known.add(grant)
    this.#held.set(thread, held)
  }

  /** A thread runs something in `frame`, so it may dial the overlay of that frame. */
  grantFrame(thread: number, frame: Frame): void {
    if (frame.overlay !== undefined) this.grant(thread, frame.overlay, this.grantOf(frame))
  }

  /** Records why a frame has its overlay. */
  record(frame: Frame, grant: Grant): void {
    if (grant !== always) this.#grants.set(frame, grant)
  }

  grantOf(frame: Frame): Grant {
    return this.#grants.get(frame) ?? always
  }

  holds(thread: number, overlay: EntryId | null): boolean {
    return this.current(thread, overlay) !== undefined
  }

  /** Returns the grant by which a thread may use an overlay now, if there is one. */
  current(thread: number, overlay: EntryId | null): Grant | undefined {
    return this.#held
      .get(thread)
      ?.get(overlay ?? directNetwork)
      ?.values()
      .find(({ isValid }) => isValid)
  }

  /** A thread has ended. */
  threadGone(thread: number): void {
    this.#held.delete(thread)
  }
}
