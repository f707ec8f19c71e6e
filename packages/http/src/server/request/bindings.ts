/** The fields that middleware and handlers find in hono's context, as `c.env`. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { EntryId, Slot } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { Outgoing } from './outgoing.ts'
import type { RequestCall } from './request-call.ts'
import type { EndpointRoute, EventsRoute, SocketRoute } from '../routing/route-table.ts'

export type Incoming = IncomingMessage | Http2ServerRequest

export interface ServerEnvironment {
  readonly Bindings: {
    readonly incoming: Incoming
    /** Undefined for an upgrade. */
    readonly outgoing: Outgoing | undefined
    readonly service: EntryId
    /** The peer that opened the connection, as the overlay reports it. */
    readonly peer: Peer | undefined
    /** The client's address, where a trusted proxy reports it. */
    readonly client: string | undefined
    /** The request as a participant: the identity under which it runs. */
    readonly call: RequestCall
    /** The route of the request, if it has one. */
    route?: EndpointRoute | EventsRoute | SocketRoute
    /** Set when it was counted among the WebSockets and event streams of its client. */
    isCounted?: boolean
    /** Set when an upgrade was routed to a WebSocket, and was accepted. */
    accepted?: Accepted
  }
}

export interface Accepted {
  readonly route: SocketRoute
  readonly params: Readonly<Record<string, string>>
  readonly remoteAddress: string | undefined
  /** The slot of the identity in force: middleware may have authenticated the caller. */
  readonly slot: Slot | undefined
}
