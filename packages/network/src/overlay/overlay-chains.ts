/** Which overlays lead through which others. */
import type { EntryId } from '@troupe/core'
import type { Overlay } from './overlay.ts'

export class OverlayChains {
  /** The overlays that each overlay leads through. */
  readonly #through = new WeakMap<Overlay, ReadonlySet<EntryId>>()
  /** The overlays that requested the route of each id, whether they run or not. */
  readonly #leading = new Map<EntryId, Set<EntryId>>()

  /** Notes that `id` requested the route of `through`. */
  note(id: EntryId, through: EntryId): void {
    this.#leading.set(through, (this.#leading.get(through) ?? new Set()).add(id))
  }

  /** Notes all overlays that one which was built leads through. */
  built(overlay: Overlay, through: ReadonlySet<EntryId>): void {
    this.#through.set(overlay, through)
  }

  /** Notes which overlay runs under an id from now on. */
  placed(id: EntryId, former: Overlay | undefined, overlay: Overlay | undefined): void {
    for (const other of this.#of(former)) this.#leading.get(other)?.delete(id)
    for (const other of this.#of(overlay)) this.note(id, other)
  }

  /** Returns the running overlays that lead directly through `id`. */
  leadingThrough(id: EntryId, running: (id: EntryId) => Overlay | undefined): readonly EntryId[] {
    return [...(this.#leading.get(id) ?? [])].filter((other) => this.#of(running(other)).has(id))
  }

  #of(overlay: Overlay | undefined): ReadonlySet<EntryId> {
    return (overlay && this.#through.get(overlay)) ?? new Set()
  }
}
