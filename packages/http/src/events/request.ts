/** Requests for streams of events. */
import type { EntryId } from '@troupe/core'
import type { ConnectionOpen } from '../connections/opened.ts'
import { Openings } from '../connections/openings.ts'
import type { EventsFields } from './kind.ts'
import type { EventStream } from './stream.ts'

/** A request for a stream, and where it was routed to. */
export interface EventsRequest {
  readonly route: { readonly entry: EntryId; readonly fields: EventsFields }
  readonly opened: ConnectionOpen
}

export const openings = new Openings<EventsRequest, EventStream>()
