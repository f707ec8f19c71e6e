/** What an overlay can do: the kernel's side of a driver, and the thread's. */
import type { EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
import type { Association } from './association.ts'
import type { Route } from './route.ts'

/** What the kind of an overlay supports (`docs/overlays.md` has the table). */
export interface Capabilities {
  readonly listen: boolean
  readonly tls: boolean
  readonly udp: boolean
}

/** A running overlay, as the kernel holds it. */
export interface Overlay extends AsyncDisposable {
  readonly id: EntryId
  readonly kind: string
  readonly capabilities: Capabilities
  /** Names the state of which only one overlay may run at a time, such as a folder; absent where two may run side by side. */
  readonly exclusive?: string
  /**
   * Looks whether it can do its work, before it takes the place of one that does.
   *
   * @throws TroupeError `Unavailable`
   */
  check?(): Promise<void>
  /** What a granted thread needs to dial. */
  readonly route: Route
  /**
   * Accepts connections from the overlay.
   *
   * @throws TroupeError `Invalid`, "not supported", where {@link Capabilities.listen} is false.
   */
  listen(options: ListenOptions): Promise<Listener>
}

export interface ListenOptions {
  readonly port: number
}

export interface Listener extends AsyncDisposable {
  /** Where others reach it: `host:port` in the overlay's own terms. */
  readonly address: string
  readonly connections: AsyncIterable<Socket>
}

/** Where a connection should go. Names are passed on as names; nothing is resolved on this side. */
export interface Target {
  /** A host name, or an IPv4 or IPv6 literal (without brackets). */
  readonly host: string
  /** 1 to 65535 */
  readonly port: number
}

/** On whose behalf something is asked of an overlay: what an overlay that isolates keeps apart. */
export interface Isolation {
  /** Id of the actor. */
  readonly actor?: string
  /** The process or the call. */
  readonly process?: string
}

export interface DialOptions {
  /** Ends the dial with `Canceled`. */
  readonly signal?: AbortSignal
  /** Milliseconds until the dial ends with `Timeout`. @default 30000 */
  readonly timeout?: number
  /** @default what the frame in force says */
  readonly isolation?: Isolation
}

export interface ResolveOptions extends DialOptions {
  /** 4 or 6: only addresses of that kind; 0: any. @default 0 */
  readonly family?: 0 | 4 | 6
}

export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Opens a connection by a route: how a driver reaches what stands behind another overlay. */
export type Dial = (route: Route, target: Target, options: DialOptions) => Promise<Socket>

/** The thread's side of a driver. What is left out is not supported. */
export interface Driver {
  readonly name: string
  /**
   * A socket connected to `target` through the overlay, plain, flowing not yet begun.
   *
   * @param hop - Dials the route that this one leads through.
   * @throws TroupeError `Unavailable`, `Timeout`, `Canceled` or `Invalid` (see `docs/overlays.md`, Errors).
   */
  dial(route: Route, target: Target, options: DialOptions, hop: Dial): Promise<Socket>
  /** Addresses of a name, as the overlay finds them. */
  resolve?(route: Route, name: string, options: ResolveOptions, hop: Dial): Promise<readonly ResolvedAddress[]>
  /** Names of an address, as the overlay finds them. */
  reverse?(route: Route, address: string, options: DialOptions, hop: Dial): Promise<readonly string[]>
  /** A way for datagrams. */
  associate?(route: Route, options: DialOptions, hop: Dial): Promise<Association>
  /**
   * What connections have to agree in, beside overlay, generation and actor, to be kept in one pool: two whose keys differ may not
   * serve each other.
   */
  poolKey?(route: Route, isolation: Isolation): string
  /** What the driver knows about the ways into the overlay; without addresses. */
  entrances?(route: Route): readonly Entrance[]
}

/** One of several ways into an overlay (a proxy of its entry), in the entry's order. */
export interface Entrance {
  readonly state: 'up' | 'down'
  /** Failures since it last worked. */
  readonly failures: number
  /** Unix time in milliseconds of the next check, while it is down. */
  readonly retryAt?: number
}
