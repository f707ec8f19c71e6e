/** Kinds of overlays: how the kernel builds a running overlay from an entry. */
import type { EntryId, Log } from '@troupe/core'
import type { FieldsOf, Kind, Registry } from '@troupe/registry'
import type { Finding } from './overlay-state.ts'
import type { Overlay } from './overlay.ts'
import type { Route } from './route.ts'

/**
 * Returns the route of another running overlay, for an overlay that leads through it. Throws a TroupeError `NotFound`.
 */
export type RouteOf = (id: EntryId) => Route

/** The part of the registry that overlay kinds use. */
export type Entries = Pick<Registry, 'decode' | 'get' | 'variable'>

/** The environment in which an overlay is built. */
export interface Site {
  /** See {@link Route.application}. */
  readonly application: number
  /** Generation of the overlay that is built; see {@link Route.generation}. */
  readonly generation: number
  readonly routeOf: RouteOf
  /** `network_service.state_dir`: kinds with a state create a folder of their own in it, with mode 0700. */
  readonly stateDir: string
  /** Returns the value of a variable of the application, as the entry sees it. */
  readonly variable: (name: string) => string | undefined
  /** Logs what the operator should know, such as an address, or a login that waits for a browser. */
  readonly log: Log
}

/** The result of one check of what an overlay needs. */
export interface Examined extends Finding {
  /** What was checked, such as `the proxy`. */
  readonly part: string
  /** The Unix time in milliseconds that the other side reported. */
  readonly date?: number
}

/** The environment in which an overlay is examined. */
export interface ExaminationSite extends Pick<Site, 'stateDir'> {
  /** Ends the examination. */
  readonly signal: AbortSignal
}

/** A kind of overlay: the kind of its entries, and how the kernel builds a running overlay from one. */
export interface OverlayKind {
  readonly kind: Kind
  /**
   * Returns the address at which peers reach the overlay, from the state kept in `stateDir`. The overlay need not run.
   */
  keptAddress?(id: EntryId, stateDir: string): Promise<string | undefined>
  /**
   * Milliseconds that an overlay of the entry may take before a server listens on it. @default the usual start time of
   * a service
   */
  listenTime?(entries: Entries, id: EntryId): number
  /** Returns the settings of the entry that can never work together with other entries, with the path of each field. */
  problems?(entries: Entries, id: EntryId): readonly { readonly path: string; readonly message: string }[]
  /** Returns the resource that an overlay of the entry holds exclusively while it runs, such as a folder or a key. */
  held?(
    entries: Entries,
    id: EntryId,
    site: Pick<Site, 'stateDir'>,
  ): { readonly path: string; readonly state: string } | undefined
  /** Returns {@link Overlay.exclusive} of the overlay that {@link open} would build. */
  exclusive?(entries: Entries, id: EntryId, site: Pick<Site, 'stateDir'>): string | undefined
  /**
   * Checks whether what an overlay of the entry needs is there: whether its endpoints reply, and accept the login. No
   * overlay is started, nothing is kept, and the only connections are those to what the entry names.
   */
  examine?(entries: Entries, id: EntryId, site: ExaminationSite): Promise<readonly Examined[]>
  /**
   * Builds the overlay of the entry `id`.
   *
   * @throws TroupeError `Invalid` for invalid fields of the entry; `Unavailable` when the overlay does not start.
   */
  open(entries: Entries, id: EntryId, site: Site): Promise<Overlay>
}

/** Connects a kind of entry with the function that builds its overlay. */
export function overlayKind<K extends Kind>(
  kind: K,
  build: (id: EntryId, fields: FieldsOf<K>, site: Site) => Promise<Overlay>,
): OverlayKind {
  return { kind, open: async (entries, id, site) => build(id, entries.decode(id, kind).fields, site) }
}
