/**
 * How code in this thread gets at overlays: the process runtime provides it, the HTTP client and the guard use it.
 * Decisions are made outside the thread; what is here only asks.
 */
import { type EntryId, invalid } from '@troupe/core'
import type { BindOptions, DialOptions, ResolvedAddress, Target, ListenGrant } from '../overlay/overlay.ts'
import type { Route } from '../overlay/route.ts'
import type { SocketHandoff } from '../handoff/handed-socket.ts'

/** What the kernel does for a thread that may open nothing itself. */
export interface KernelDialer {
  /**
   * Has a connection opened, and handed over.
   *
   * @throws TroupeError as a dial does; `PermissionDenied` for a network that is not in force here; `RateLimited`.
   */
  dial(connectRequest: ConnectRequest, options: DialOptions): Promise<SocketHandoff>
  /**
   * Addresses of a name in the clear network, as the operating system finds them.
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
  /** In the clear: only addresses of that family. */
  readonly family?: 4 | 6
  /** In the clear: the address of this machine that it comes from. */
  readonly localAddress?: string
  /** In the clear: the port of this machine that it comes from. @default any that is free */
  readonly localPort?: number
}

export interface NetworkAccess {
  /**
   * Asks whether the code that runs may choose `overlay` (`null`: the clear network).
   *
   * @throws TroupeError `PermissionDenied`, or `NotFound` when there is no such overlay.
   */
  select(overlay: EntryId | null): Promise<void>
  /**
   * Asks whether the code that runs may do what needs no overlay: `http_client.request` of a URL, for instance. Returns nothing where nothing
   * is asked about.
   *
   * @param port - Of a socket; policies see it as `meta.port`.
   * @throws TroupeError `PermissionDenied`
   */
  permit?(action: string, resource: string, port?: number): Promise<void> | undefined
  /** Whether policies were ever in force for anybody in this thread. As long as not, {@link allow} returns nothing. @default they may be */
  governs?(): boolean
  /**
   * The current route of an overlay that is in force or was selected.
   *
   * @throws TroupeError `NotFound`, `Unavailable`, or `PermissionDenied` when it was never granted.
   */
  route(overlay: EntryId): Promise<Route>
  /**
   * Asks for a place in `overlay` at which the code that runs may accept connections; `detachHandle` gives it up. Absent where nobody
   * listens.
   *
   * @throws TroupeError `PermissionDenied`, `NotFound`, `Invalid` for an overlay that does not listen, `AlreadyExists`, `Unavailable`.
   */
  bind?(overlay: EntryId, options: BindOptions): Promise<{ readonly listenGrant: ListenGrant; readonly release: () => void }>
  /**
   * A block of addresses that stand for names, for this thread alone, in place of one that it gives back. Absent outside an application.
   *
   * @throws TroupeError `RateLimited` when none is free.
   */
  leaseAddresses?(back: number | undefined): Promise<number>
  /** Whether an address, by its number in 198.18.0.0/15, may stand for a name in some thread. */
  isAddressLeased?(number: number): Promise<boolean>
  /** What the owner of this thread can do where a connection of its own fails in the thread's overlay: ends the error's message. */
  readonly advice?: string
  /** In a thread of a sealed host. */
  readonly dialer?: KernelDialer
  /** Forgets routes that were replaced or withdrawn since. For what reuses connections without asking for a route; it costs one atomic read. */
  refresh?(): void
}

let provided: NetworkAccess | undefined

/** Installs the thread's access; called once by the runtime before any user code. */
export function provideNetworkAccess(access: NetworkAccess): void {
  provided = access
}

/** The thread's access; `undefined` outside an application. */
export function applicationAccess(): NetworkAccess | undefined {
  return provided
}

/** @throws TroupeError `Invalid` outside an application. */
export function networkAccess(): NetworkAccess {
  if (provided === undefined) throw invalid('there is no Troupe application in this thread: boot one, or run inside a process or function')
  return provided
}
