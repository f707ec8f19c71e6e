/** Kinds of overlays: how the kernel makes a running overlay of an entry. */
import type { EntryId } from '@troupe/core'
import type { FieldsOf, Kind, Registry } from '@troupe/registry'
import type { Overlay } from './overlay.ts'

/** What is asked of the registry. */
export type Entries = Pick<Registry, 'decode' | 'get'>

export interface OverlayKind {
  readonly kind: Kind
  /**
   * Builds the overlay of the entry `id`.
   *
   * @throws TroupeError `Invalid` for what is wrong in the entry; `Unavailable` when the overlay does not come up.
   */
  open(entries: Entries, id: EntryId, generation: number): Promise<Overlay>
}

/** Joins a kind of entry and the building of its overlay. */
export function overlayKind<K extends Kind>(
  kind: K,
  build: (id: EntryId, fields: FieldsOf<K>, generation: number) => Promise<Overlay>,
): OverlayKind {
  return { kind, open: async (entries, id, generation) => build(id, entries.decode(id, kind).fields, generation) }
}
