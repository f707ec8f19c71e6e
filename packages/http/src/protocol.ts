/** What this package adds to the protocol between threads and the kernel: servers, connections and tokens. */
import type { Actor, EntryId, Frame, Pid } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { InheritedContext } from '@troupe/process'
import type { MessagePort } from 'node:worker_threads'

declare module '@troupe/process/protocol' {
  interface Requests extends HttpRequests {}
  interface Roles {
    /** A server, and the clients that act in it. */
    server: unknown
    /** A thread that serves an endpoint for a server. */
    lane: unknown
    /** A WebSocket, or a stream of events. */
    connection: unknown
  }
}

/** The requests of threads about servers, connections and tokens, and their results. */
export interface HttpRequests {
  /**
   * Starts the process that handles a WebSocket which the requesting thread was asked to open. `ticket` is an
   * identifier that the thread chose.
   */
  openConnection: { ask: { readonly entry: EntryId; readonly ticket: string }; answer: Pid }
  /** From such a process: returns the process at the other end of the conversation. */
  converse: { ask: Record<string, never>; answer: { readonly partner: Pid; readonly isOwn: boolean } }
  createToken: { ask: { readonly store: EntryId; readonly grant: unknown }; answer: IssuedToken }
  validateToken: { ask: { readonly store: EntryId; readonly token: string }; answer: TokenView | undefined }
  revokeToken: {
    ask: { readonly store: EntryId } & ({ readonly id: string } | { readonly actor: string })
    answer: { readonly revoked: number }
  }
  /**
   * Lets the thread act for the subject of a token, with the pid in the result, until the thread reports that this pid
   * has finished.
   */
  openSession: {
    ask: { readonly store: EntryId; readonly token: string; readonly inherit: InheritedContext }
    answer: { readonly pid: Pid; readonly frame: Frame } | undefined
  }
  /**
   * Opens a thread that handles requests of an endpoint in addition to the server's own thread, and the port to it. It
   * acts for the service, or for `session`: the actor for which the server acts, where the overlay isolates actors.
   */
  openLane: {
    ask: { readonly endpoint: EntryId; readonly session?: Pid }
    answer: { readonly pid: Pid; readonly port: MessagePort }
  }
  closeLane: { ask: { readonly lane: Pid }; answer: void }
  /**
   * Lets the caller act in such a thread too, with the pid in the result, until that thread reports that it has
   * finished.
   */
  lendSession: { ask: { readonly lane: Pid }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /**
   * Lets a client that reached a service through an overlay with client identity act there, with the pid in the result,
   * until the thread reports that it has finished.
   */
  identify: { ask: { readonly peer: Peer }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /** A server listens from now on. Returns its names and addresses in its overlay, if it listens on one. */
  serving: { ask: { readonly host: string; readonly port: number }; answer: { readonly names: readonly string[] } }
}

/** A newly issued token. Its text is available here only. */
export interface IssuedToken {
  /** Identifies the token in logs and revocations; it is not secret. */
  readonly id: string
  readonly token: string
  /** Unix time in milliseconds. */
  readonly expires: number
}

/** The subject of a token. */
export interface TokenView {
  /** The id of the token, which is not secret. */
  readonly id: string
  /** The actor of requests with the token. */
  readonly actor: Actor
  readonly scope: readonly EntryId[]
  /** What was given to `create`. */
  readonly meta: Readonly<Record<string, unknown>>
  /** Unix time in milliseconds. */
  readonly expires: number
}
