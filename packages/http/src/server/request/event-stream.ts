/** Requests that were routed to a stream of events. */
import { clientAddress } from '../../middleware/client-address.ts'
import { openEvents } from '../../events/index.ts'
import { eventsHeaders } from '../../events/event-stream.ts'
import type { RequestIn } from './handler-context.ts'
import type { EventsRoute } from '../routing/route-table.ts'
import { middlewareContext } from '../routing/middleware-context.ts'

export async function answerEvents(route: EventsRoute, context: RequestIn): Promise<Response> {
  const { req } = context
  // A HEAD request receives no events, so it starts no process.
  if (req.raw.method === 'HEAD') return new Response(null, { headers: eventsHeaders })
  const { pathname, search } = new URL(req.url)
  const opened = {
    entry: route.entry,
    url: `${pathname}${search}`,
    params: { ...req.param() },
    headers: Object.fromEntries(req.raw.headers),
    remoteAddress: clientAddress(context, middlewareContext),
  }
  return openEvents({ route, opened })
}
