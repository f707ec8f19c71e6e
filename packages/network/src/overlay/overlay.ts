/** The interfaces of an overlay driver: the kernel's side and the thread's side. */
import type { EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
import type { Association } from './association.ts'
import type { OverlayCondition } from './overlay-state.ts'
import type { Route } from './route.ts'
import type { Target } from './target.ts'

export type { Target } from './target.ts'

/** What a kind of overlay supports (`docs/overlays.md` has the table). */
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
  /**
   * Names the state that only one overlay may use at a time, such as a folder. Absent where two may run side by side.
   */
  readonly exclusive?: string | undefined
  /**
   * Whose traffic it isolates, beside single connections and destinations. Each actor or process gets its own network,
   * and so its own threads.
   */
  readonly isolates?: 'actor' | 'process' | undefined
  /**
   * The identity of this side in the overlay, such as a node or a destination. An overlay with the same id and another
   * identity is another network.
   *
   * @default no identity
   */
  readonly identity?: string | undefined
  /**
   * Checks that it can work, before it replaces an overlay that works.
   *
   * @throws TroupeError `Unavailable`
   */
  check?(): Promise<void>
  /** Returns its status. Never rejects. */
  status?(): Promise<OverlayStatus>
  /** Reports that a dial through it failed: it checks its state soon. */
  doubt?(): void
  /** It was replaced or removed: dials that start later do not use it. Its connections continue. */
  retire?(): void
  /**
   * Closes an overlay that was never put in service, and removes what it created elsewhere, as far as possible.
   * @default disposes of it
   */
  discard?(): Promise<void>
  /** What a granted thread needs to dial. */
  readonly route: Route
  /**
   * Opens a place in the overlay at which a thread may accept connections. Called only after `network.bind` was
   * allowed.
   *
   * @throws TroupeError `Invalid`, "not supported", where {@link Capabilities.listen} is false; `AlreadyExists` for a
   *   port that is in use; `Unavailable`.
   */
  bind(options: BindOptions): Promise<Binding>
}

/** Status of an overlay, as the kernel sees it: plain data, without secrets. */
export interface OverlayStatus {
  /** The state now. */
  readonly state: OverlayCondition
  /** Why it is not up, or what is wrong although it is up. */
  readonly reason?: string
  /** Unix time in milliseconds at which it entered that state. */
  readonly since: number
  /** The URL that the operator must open in a browser. */
  readonly loginUrl?: string
  /** Its own name in the overlay. */
  readonly name?: string
  /** Its own addresses in the overlay. */
  readonly addresses?: readonly string[]
  /** Bytes sent on connections through it, dialled and accepted. */
  readonly bytesSent?: number
  /** Bytes received on them. */
  readonly bytesReceived?: number
  /** The other nodes of the overlay. */
  readonly peers?: readonly PeerStatus[]
}

/** Another node of an overlay whose nodes know each other. */
export interface PeerStatus {
  readonly name: string
  readonly addresses: readonly string[]
  readonly online: boolean
  /** How packets get there; `none`: no packet was sent yet. */
  readonly path: 'direct' | 'relayed' | 'none'
  /** The relay in use, if any. */
  readonly relay?: string
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** Options of a place in an overlay at which a thread accepts connections. */
export interface BindOptions {
  /** 1 to 65535, or 0 for any free port, where the overlay has ports. */
  readonly port: number
  /**
   * The overlay terminates TLS with its own certificate ({@link Capabilities.tls}); connections arrive decrypted.
   * @default false
   */
  readonly tls?: boolean
}

/** A place in an overlay, as the kernel holds it; disposing of it releases the place. */
export interface Binding extends AsyncDisposable {
  readonly listenGrant: ListenGrant
}

/**
 * The serialisable description that lets one thread accept connections at one place of an overlay. Like a route it is a
 * capability: it never appears in logs or errors.
 */
export interface ListenGrant extends Route {
  /** The address at which peers dial the place. */
  readonly address: Target
}

/**
 * Receives connections of an overlay in this thread. Disposing of it ends it; connections that were accepted continue.
 */
export interface Listener extends AsyncDisposable {
  /** The address at which peers dial the place. It changes when the overlay renames the place. */
  readonly address: Target
  /**
   * Ends when the listener is disposed of.
   *
   * @throws TroupeError `Unavailable` when the overlay no longer delivers connections, because its router, node or
   *   process is gone.
   */
  readonly connections: AsyncIterable<Accepted>
}

/** A connection that a peer in the overlay opened. Like a dialled one it is plain, unread and without listeners. */
export interface Accepted {
  readonly socket: Socket
  readonly peer: Peer
}

/** The peer of a connection. The overlay reports it, not the peer itself. */
export interface Peer {
  /** Address or name in the overlay's own terms: an IP address of the tailnet, a `.b32.i2p` name. */
  readonly address: string
  /** The port of the peer. */
  readonly port?: number
  /** In a tailnet: the node's own id, which stays the same when the node is renamed. */
  readonly id?: string
  /** In a tailnet: name of the node, its user (absent for tagged nodes), its tags. */
  readonly node?: string
  /** The login name of the owner of a node in a tailnet. */
  readonly user?: string
  /** The tags of a node in a tailnet. */
  readonly tags?: readonly string[]
  /** In I2P: the whole destination, in base64. */
  readonly destination?: string
}

/** The actor, process or key on whose behalf the overlay is used: the unit that an isolating overlay keeps apart. */
export interface Isolation {
  /** Id of the actor. */
  readonly actor?: string
  /** The process or the call. */
  readonly process?: string
  /** The key that a request asked for: it replaces the other fields. */
  readonly key?: string
}

/**
 * The first bytes of a stream, which are known before the connection stands. A driver may send them with its request,
 * where the overlay takes them; otherwise they are written to the connection, by their owner.
 */
export interface EarlyData {
  /** Whether there are bytes that may be sent only once. */
  readonly isOnce: boolean
  /** Whether such bytes were taken: the dial must not start again. */
  readonly isSpent: boolean
  /** Returns the bytes to send now, if any. Their owner does not write them. */
  take(): Buffer | undefined
}

/** Options of a dial. */
export interface DialOptions {
  /** Ends the dial with `Canceled`. */
  readonly signal?: AbortSignal
  /** Milliseconds until the dial ends with `Timeout`. @default 30000 */
  readonly timeout?: number
  /** @default the isolation of the current frame */
  readonly isolation?: Isolation
  /** @default none */
  readonly early?: EarlyData
}

/** Options of a name look-up. */
export interface ResolveOptions extends DialOptions {
  /** 4 or 6: only addresses of that family; 0: both. @default 0 */
  readonly family?: 0 | 4 | 6
}

/** Options of an association for datagrams. */
export interface AssociateOptions extends DialOptions {
  /** The port of the overlay at which datagrams arrive, where the overlay has ports. @default any */
  readonly port?: number
}

/** One result of a name look-up. */
export interface ResolvedAddress {
  readonly address: string
  /** 0: an address in the overlay's own format. */
  readonly family: 0 | 4 | 6
}

/** Opens a connection by a route: how a driver reaches its endpoint behind another overlay. */
export type Dial = (route: Route, target: Target, options: DialOptions) => Promise<Socket>

/** The thread's side of a driver. A method that is absent is not supported. */
export interface Driver {
  readonly name: string
  /**
   * Returns a socket connected to `target` through the overlay: plain, not yet flowing.
   *
   * @param hop - Dials the route that this one leads through.
   * @throws TroupeError `Unavailable`, `Timeout`, `Canceled` or `Invalid` (see `docs/overlays.md`, Errors).
   */
  dial(route: Route, target: Target, options: DialOptions, hop: Dial): Promise<Socket>
  /** Returns the addresses of a name, resolved by the overlay. */
  resolve?(route: Route, name: string, options: ResolveOptions, hop: Dial): Promise<readonly ResolvedAddress[]>
  /** Returns the names of an address, resolved by the overlay. */
  reverse?(route: Route, address: string, options: DialOptions, hop: Dial): Promise<readonly string[]>
  /** Opens an association for datagrams. */
  associate?(route: Route, options: AssociateOptions, hop: Dial): Promise<Association>
  /** Accepts connections at the place of the listen grant. */
  accept?(listenGrant: ListenGrant): Promise<Listener>
  /**
   * Returns a key that connections must share, beside overlay, generation and actor, to be kept in one pool. A
   * connection never serves a request with another key.
   */
  poolKey?(route: Route, isolation: Isolation): string
  /**
   * Whether each connection is isolated from all others, so that no TLS session may be resumed on it. @default never
   */
  isolatesConnections?(route: Route, isolation: Isolation): boolean
  /** Returns the state of the entrances to the overlay, without addresses. */
  entrances?(route: Route): readonly Entrance[]
}

/** One of several entrances to an overlay (a proxy of its entry), in the entry's order. */
export interface Entrance {
  readonly state: 'up' | 'down'
  /** Failures since it last worked. */
  readonly failures: number
  /** Unix time in milliseconds of the next check, while it is down. */
  readonly retryAt?: number
}
