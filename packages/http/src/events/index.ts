/** Responds to requests with streams of server-sent events (HTML, 9.2) that processes write. */
import { type EventsRequest, pendingConnections } from './request.ts'
import { EventStream, eventsResponse } from './event-stream.ts'

/**
 * Returns a response to which a process writes. The process that it starts has the current frame, without its deadline.
 *
 * @throws TroupeError `Unavailable`, `NotFound`, `PermissionDenied`
 */
export async function openEvents(asked: EventsRequest): Promise<Response> {
  const pending = pendingConnections.begin(asked)
  await pending.open()
  const stream = new EventStream(asked.route.fields.keepAlive)
  pending.complete(stream)
  return eventsResponse(stream.body)
}
