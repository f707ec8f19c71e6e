/** Kinds of overlays: how the kernel makes a running overlay of an entry. */
import type { EntryId } from '@troupe/core'
import type { FieldsOf, Kind, Registry } from '@troupe/registry'
import type { Overlay } from './overlay.ts'
import type { Route } from './route.ts'

/** The route of another overlay that runs, for one that leads through it. Throws a TroupeError `NotFound`. */
export type RouteOf = (id: EntryId) => Route

/** What is asked of the registry. */
export type Entries = Pick<Registry, 'decode' | 'get' | 'variable'>

/** What an overlay is built in. */
export interface Site {
  /** Of the overlay that is built; see {@link Route.generation}. */
  readonly generation: number
  readonly routeOf: RouteOf
  /** `network_service.state_dir`: kinds with a state keep it in a folder of their own there, 0700, which they create. */
  readonly stateDir: string
  /** The value of a variable of the application, as the entry sees it. */
  readonly variable: (name: string) => string | undefined
  /** For what whoever runs the application should know: an address, a login that waits. */
  readonly log: (line: string) => void
}

export interface OverlayKind {
  readonly kind: Kind
  /** Where others reach the overlay, as far as what is kept in `stateDir` tells; it need not run. */
  keptAddress?(id: EntryId, stateDir: string): Promise<string | undefined>
  /** Milliseconds that an overlay of the entry may take before somebody listens on it. @default no more than a service has to start */
  listenTime?(entries: Entries, id: EntryId): number
  /** What of the entry can never work beside the others, with the field that says so. */
  problems?(entries: Entries, id: EntryId): readonly { readonly path: string; readonly message: string }[]
  /** What an overlay of the entry holds alone for as long as it runs: a folder, a key. */
  held?(entries: Entries, id: EntryId, site: Pick<Site, 'stateDir'>): { readonly path: string; readonly state: string } | undefined
  /** Says {@link Overlay.exclusive} of what {@link open} would build. */
  exclusive?(entries: Entries, id: EntryId, site: Pick<Site, 'stateDir'>): string | undefined
  /**
   * Builds the overlay of the entry `id`.
   *
   * @throws TroupeError `Invalid` for what is wrong in the entry; `Unavailable` when the overlay does not come up.
   */
  open(entries: Entries, id: EntryId, site: Site): Promise<Overlay>
}

/** Joins a kind of entry and the building of its overlay. */
export function overlayKind<K extends Kind>(
  kind: K,
  build: (id: EntryId, fields: FieldsOf<K>, site: Site) => Promise<Overlay>,
): OverlayKind {
  return { kind, open: async (entries, id, site) => build(id, entries.decode(id, kind).fields, site) }
}
