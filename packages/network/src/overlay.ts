/** What an overlay can do: the kernel's side of a driver. */
import type { EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
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

export interface DialOptions {
  /** Ends the dial with `Canceled`. */
  readonly signal?: AbortSignal
  /** Milliseconds until the dial ends with `Timeout`. @default 30000 */
  readonly timeout?: number
}

/** The thread's side of a driver: opens one connection by a route. */
export interface Driver {
  readonly name: string
  /**
   * A socket connected to `target` through the overlay, plain, flowing not yet begun.
   *
   * @throws TroupeError `Unavailable`, `Timeout`, `Canceled` or `Invalid` (see `docs/overlays.md`, Errors).
   */
  dial(route: Route, target: Target, options: DialOptions): Promise<Socket>
}
