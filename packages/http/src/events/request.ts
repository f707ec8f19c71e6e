/** Requests for streams of events. */
import type { EntryId } from '@troupe/core'
import type { ConnectionOpen } from '../connections/connection-open.ts'
import { PendingConnections } from '../connections/pending-connections.ts'
import type { EventsFields } from './kind.ts'
import type { EventStream } from './event-stream.ts'

/** A request for a stream, and its route. */
export interface EventsRequest {
  readonly route: { readonly entry: EntryId; readonly fields: EventsFields }
  readonly opened: ConnectionOpen
}

export const pendingConnections = new PendingConnections<EventsRequest, EventStream>()
