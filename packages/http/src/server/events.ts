/** Requests that were routed to a stream of events. */
import { clientAddress } from '../middleware/client-address.ts'
import { openEvents } from '../events/index.ts'
import type { RequestIn } from './context.ts'
import type { EventsRoute } from './table.ts'
import { middlewareTools } from './tools.ts'

export async function answerEvents(route: EventsRoute, context: RequestIn): Promise<Response> {
  const { req } = context
  const { pathname, search } = new URL(req.url)
  const opened = {
    entry: route.entry,
    url: `${pathname}${search}`,
    params: { ...req.param() },
    headers: Object.fromEntries(req.raw.headers),
    remoteAddress: clientAddress(context, middlewareTools),
  }
  return openEvents({ route, opened })
}
