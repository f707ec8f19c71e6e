/** What middleware and handlers find in hono's context, as `c.env`. */
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
    /** None for an upgrade. */
    readonly outgoing: Outgoing | undefined
    readonly service: EntryId
    /** Who opened the connection, as the overlay tells. */
    readonly peer: Peer | undefined
    /** The client's address, where a trusted proxy tells it. */
    readonly client: string | undefined
    /** The request, as who acts in it. */
    readonly call: RequestCall
    /** Where it was routed to, if it was. */
    route?: EndpointRoute | EventsRoute | SocketRoute
    /** Set when it was counted among the WebSockets and event streams of its client. */
    isCounted?: boolean
    /** Set when an upgrade was routed to a WebSocket, and nothing stood in its way. */
    accepted?: Accepted
  }
}

export interface Accepted {
  readonly route: SocketRoute
  readonly params: Readonly<Record<string, string>>
  readonly remoteAddress: string | undefined
  /** Of who acts: middleware may know who asks. */
  readonly slot: Slot | undefined
}
