/**
 * How code in this thread reaches overlays: the process runtime provides the access, the HTTP client and the guard use
 * it. Decisions are made outside the thread; this module only requests them.
 */
import { type EntryId, invalid } from '@troupe/core'
import type { BindOptions, DialOptions, ResolvedAddress, Target, ListenGrant } from '../overlay/overlay.ts'
import type { Route } from '../overlay/route.ts'
import type { SocketHandoff } from '../handoff/handed-socket.ts'

/** What the kernel does for a thread that may open nothing itself. */
export interface KernelDialer {
  /**
   * Requests that the kernel opens a connection and hands it over.
   *
   * @throws TroupeError as a dial does; `PermissionDenied` for a network that the thread does not run in;
   *   `RateLimited`.
   */
  dial(connectRequest: ConnectRequest, options: DialOptions): Promise<SocketHandoff>
  /**
   * Returns the addresses of a name in the clear network, resolved by the operating system.
   *
   * @throws TroupeError `Unavailable`, with the system's `code` in its details; `PermissionDenied`
   */
  resolve(name: string, family: 0 | 4 | 6): Promise<readonly ResolvedAddress[]>
}

/** A connection that the kernel is to open. */
export interface ConnectRequest {
  /** `null`: the clear network. */
  readonly overlay: EntryId | null
  readonly target: Target
  /** In the clear network: only addresses of that family. */
  readonly family?: 4 | 6
  /** In the clear network: the local address of the connection. */
  readonly localAddress?: string
  /** In the clear network: the local port of the connection. @default any free port */
  readonly localPort?: number
}

/** A thread's access to overlays, which the process runtime provides. */
export interface NetworkAccess {
  /** The application, in a thread where several may run: see `Route.application`. */
  readonly application?: number | undefined
  /**
   * Checks that the running code may choose `overlay` (`null`: the clear network).
   *
   * @throws TroupeError `PermissionDenied`, or `NotFound` when there is no such overlay.
   */
  select(overlay: EntryId | null): Promise<void>
  /**
   * Checks permission for an action that needs no overlay, such as `http_client.request` of a URL. Returns `undefined`
   * where no check is needed.
   *
   * @param port - Of a socket; policies see it as `meta.port`.
   * @throws TroupeError `PermissionDenied`
   */
  permit?(action: string, resource: string, port?: number): Promise<void> | undefined
  /**
   * Whether policies ever applied to code in this thread. Until they do, {@link permit} returns `undefined`. @default
   * they may apply
   */
  governs?(): boolean
  /**
   * Returns the current route of an overlay that the thread runs in or that was selected.
   *
   * @throws TroupeError `NotFound`, `Unavailable`, or `PermissionDenied` when it was never granted.
   */
  route(overlay: EntryId): Promise<Route>
  /**
   * Requests a place in `overlay` at which the running code may accept connections; `release` gives it up. Absent
   * where listening is not available.
   *
   * @throws TroupeError `PermissionDenied`, `NotFound`, `Invalid` for an overlay that does not listen, `AlreadyExists`,
   *   `Unavailable`.
   */
  bind?(
    overlay: EntryId,
    options: BindOptions,
  ): Promise<{ readonly listenGrant: ListenGrant; readonly release: () => void }>
  /**
   * Returns a block of addresses that stand for names, for this thread alone, in exchange for the block `back`. Absent
   * outside an application.
   *
   * @throws TroupeError `RateLimited` when none is free.
   */
  leaseAddresses?(back: number | undefined): Promise<number>
  /** Whether an address, by its number in 198.18.0.0/15, may stand for a name in some thread. */
  isAddressLeased?(number: number): Promise<boolean>
  /**
   * What the owner of this thread can do when a connection fails in the thread's overlay: it is appended to the error's
   * message.
   */
  readonly advice?: string
  /** Present in a thread of a sealed host. */
  readonly dialer?: KernelDialer
  /**
   * Forgets routes that were replaced or withdrawn. For code that reuses connections without requesting a route; it
   * costs one atomic read.
   */
  refresh?(): void
}

let provided: (() => NetworkAccess) | undefined

/** Installs the thread's access; the runtime calls it before any user code. */
export function provideNetworkAccess(access: NetworkAccess): void {
  provided = () => access
}

/**
 * Installs the access of a thread in which several applications may run.
 *
 * @param find - Returns that of the running code; throws when it acts in none.
 */
export function provideNetworkAccessOf(find: () => NetworkAccess): void {
  provided = find
}

/** Returns the thread's access; `undefined` outside an application. */
export function applicationAccess(): NetworkAccess | undefined {
  return provided?.()
}

/** Returns the thread's access. @throws TroupeError `Invalid` outside an application. */
export function networkAccess(): NetworkAccess {
  const access = applicationAccess()
  if (access === undefined)
    throw invalid('there is no Troupe application in this thread: boot one, or run inside a process or function')
  return access
}
