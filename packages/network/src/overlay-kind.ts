/** Kinds of overlays: how the kernel makes a running overlay of an entry. */
import type { EntryId } from '@troupe/core'
import type { FieldsOf, Kind, Registry } from '@troupe/registry'
import type { Overlay } from './overlay.ts'
import type { Route } from './route.ts'

/** The route of another overlay that runs, for one that leads through it. Throws a TroupeError `NotFound`. */
export type RouteOf = (id: EntryId) => Route

/** What is asked of the registry. */
export type Entries = Pick<Registry, 'decode' | 'get'>

export interface OverlayKind {
  readonly kind: Kind
  /** Says {@link Overlay.exclusive} of what {@link open} would build. */
  exclusive?(entries: Entries, id: EntryId): string | undefined
  /**
   * Builds the overlay of the entry `id`.
   *
   * @throws TroupeError `Invalid` for what is wrong in the entry; `Unavailable` when the overlay does not come up.
   */
  open(entries: Entries, id: EntryId, generation: number, routeOf: RouteOf): Promise<Overlay>
}

/** Joins a kind of entry and the building of its overlay. */
export function overlayKind<K extends Kind>(
  kind: K,
  build: (id: EntryId, fields: FieldsOf<K>, generation: number, routeOf: RouteOf) => Promise<Overlay>,
): OverlayKind {
  return { kind, open: async (entries, id, generation, routeOf) => build(id, entries.decode(id, kind).fields, generation, routeOf) }
}
