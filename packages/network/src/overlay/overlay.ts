/** What an overlay can do: the kernel's side of a driver, and the thread's. */
import type { EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
import type { Association } from './association.ts'
import type { OverlayCondition } from './overlay-state.ts'
import type { Route } from './route.ts'
import type { Target } from './target.ts'

export type { Target } from './target.ts'

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
  readonly exclusive?: string | undefined
  /** Whose traffic it keeps apart, beside single connections and destinations: each gets a network, and so threads, of its own. */
  readonly isolates?: 'actor' | 'process' | undefined
  /**
   * Who this side is in the overlay: a node, a destination. An overlay of the same id and another identity is another network.
   *
   * @default nobody in particular
   */
  readonly identity?: string | undefined
  /**
   * Looks whether it can do its work, before it takes the place of one that does.
   *
   * @throws TroupeError `Unavailable`
   */
  check?(): Promise<void>
  /** How it does. Never rejects. */
  status?(): Promise<OverlayStatus>
  /** Somebody could not use it: it looks how it does, soon. */
  doubt?(): void
  /** Ends it as one that was never wanted: what it has made elsewhere is taken back as far as can be. @default it is disposed of */
  discard?(): Promise<void>
  /** What a granted thread needs to dial. */
  readonly route: Route
  /**
   * Makes a place in the overlay at which a thread may accept connections. Asked only after `network.bind` was allowed.
   *
   * @throws TroupeError `Invalid`, "not supported", where {@link Capabilities.listen} is false; `AlreadyExists` for a port that is in use;
   *   `Unavailable`.
   */
  bind(options: BindOptions): Promise<Binding>
}

/** How an overlay does, as the kernel sees it: plain data, without secrets. */
export interface OverlayStatus {
  readonly state: OverlayCondition
  /** Why it is not up, or what is wrong though it is. */
  readonly reason?: string
  /** Unix time in milliseconds at which it came into that state. */
  readonly since: number
  /** What somebody has to open in a browser. */
  readonly loginUrl?: string
  /** Its own name and addresses in the overlay. */
  readonly name?: string
  readonly addresses?: readonly string[]
  /** Of connections through it, made and accepted. */
  readonly bytesSent?: number
  readonly bytesReceived?: number
  readonly peers?: readonly PeerStatus[]
}

/** Another node of an overlay whose nodes know each other. */
export interface PeerStatus {
  readonly name: string
  readonly addresses: readonly string[]
  readonly online: boolean
  /** How packets get there; `none`: nothing was sent yet. */
  readonly path: 'direct' | 'relayed' | 'none'
  /** Which relay, where one is used. */
  readonly relay?: string
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface BindOptions {
  /** 1 to 65535, or 0 for any that is free, where the overlay has ports. */
  readonly port: number
  /** The overlay itself ends TLS, with a certificate of its own ({@link Capabilities.tls}); connections arrive decrypted. @default false */
  readonly tls?: boolean
}

/** A place in an overlay, as the kernel holds it; disposing of it gives the place up. */
export interface Binding extends AsyncDisposable {
  readonly listenGrant: ListenGrant
}

/**
 * The serialisable description that lets one thread accept connections at one place of an overlay. Like a route it is a capability:
 * it never shows in logs or errors.
 */
export interface ListenGrant extends Route {
  /** The place, as others dial it. */
  readonly address: Target
}

/** Where connections of an overlay arrive in this thread. Disposing of it ends it; connections that were accepted go on. */
export interface Listener extends AsyncDisposable {
  /** The place, as others dial it: another one where the overlay renames it. */
  readonly address: Target
  /**
   * Ends when the listener is disposed of.
   *
   * @throws TroupeError `Unavailable` when the overlay no longer brings connections here: its router, node or process is gone.
   */
  readonly connections: AsyncIterable<Accepted>
}

/** A connection that somebody in the overlay opened. Like a dialled one it is plain, unread and without listeners. */
export interface Accepted {
  readonly socket: Socket
  readonly peer: Peer
}

/** Who opened a connection, as the overlay tells: it is the overlay's word, not the peer's. */
export interface Peer {
  /** Address or name in the overlay's own terms: an IP address of the tailnet, a `.b32.i2p` name. */
  readonly address: string
  readonly port?: number
  /** Of a tailnet: the node's own id, which stays when it is renamed. */
  readonly id?: string
  /** Of a tailnet: name of the node, its user (absent for tagged nodes), its tags. */
  readonly node?: string
  readonly user?: string
  readonly tags?: readonly string[]
  /** Of I2P: the whole destination, in base64. */
  readonly destination?: string
}

/** On whose behalf something is asked of an overlay: what an overlay that isolates keeps apart. */
export interface Isolation {
  /** Id of the actor. */
  readonly actor?: string
  /** The process or the call. */
  readonly process?: string
  /** What a request asked for: it counts instead of the others. */
  readonly key?: string
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

export interface AssociateOptions extends DialOptions {
  /** The port of the overlay at which datagrams arrive, where the overlay has such. @default any */
  readonly port?: number
}

export interface ResolvedAddress {
  readonly address: string
  /** 0: an address of the overlay's own. */
  readonly family: 0 | 4 | 6
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
  associate?(route: Route, options: AssociateOptions, hop: Dial): Promise<Association>
  /** Accepts connections at the place that the listen grant is for. */
  accept?(listenGrant: ListenGrant): Promise<Listener>
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
