/** The program of a server's process. The kernel tells it where to listen, and what to serve, now and later. */
import { errorFromWire, type Pid, threadOf, type WireError } from '@troupe/core'
import { ask, self } from '@troupe/process'
import { RequestHandler } from './request/request-handler.ts'
import { Server } from './listener/server.ts'
import type { RouteTable, ServerSettings } from './routing/route-table.ts'

/** What the kernel says to a server. */
export type ServerOrder =
  | { readonly type: 'routes'; readonly table: RouteTable }
  /** What can change in a server that runs. */
  | { readonly type: 'settings'; readonly settings: ServerSettings }
  /** A thread that answered requests for it has ended. */
  | { readonly type: 'laneEnded'; readonly lane: Pid; readonly error: WireError }
  /** Asks whether it still answers. */
  | { readonly type: 'ping' }

export const orderTopic = 'http.order'

/** Serves until it is cancelled, and then until what is under way has ended. @throws TroupeError what keeps it from serving. */
export async function serve(settings: ServerSettings, table: RouteTable): Promise<void> {
  const requests = new RequestHandler(settings)
  await requests.route(table)
  const server = new Server(settings, requests)
  const { host, port } = await server.listen()
  const { names } = await ask('serving', { host, port })
  requests.learn([host, ...names])
  await Promise.race([obey(server, requests), server.failed])
  await server.close()
}

/** Does as the kernel says, and nobody else. */
async function obey(server: Server, requests: RequestHandler): Promise<void> {
  for await (const message of self.inbox) {
    const { from, topic, payload } = message
    if (topic !== orderTopic || threadOf(from) !== 0 || !isOrder(payload)) continue
    if (payload.type === 'routes') await requests.route(payload.table)
    else if (payload.type === 'settings') server.adapt(payload.settings)
    else if (payload.type === 'laneEnded') requests.workerEnded(payload.lane, errorFromWire(payload.error))
    message.reply()
  }
}

/** The kernel's own words: all that has to be told is which of them. */
function isOrder(payload: unknown): payload is ServerOrder {
  return typeof payload === 'object' && payload !== null && 'type' in payload
}
