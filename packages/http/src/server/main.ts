/** The program of a server's process. The kernel sends it its address and routes, at the start and later. */
import { errorFromWire, type Pid, threadOf, type WireError } from '@troupe/core'
import { ask, self } from '@troupe/process'
import { RequestHandler } from './request/request-handler.ts'
import { Server } from './listener/server.ts'
import type { RouteTable, ServerSettings } from './routing/route-table.ts'

/** Messages from the kernel to a server. */
export type ServerOrder =
  | { readonly type: 'routes'; readonly table: RouteTable }
  /** Settings that a running server can change. */
  | { readonly type: 'settings'; readonly settings: ServerSettings }
  /** A thread that responded to requests for it has ended. */
  | { readonly type: 'laneEnded'; readonly lane: Pid; readonly error: WireError }
  /** Checks whether it still responds. */
  | { readonly type: 'ping' }

export const orderTopic = 'http.order'

/**
 * Serves until it is cancelled, and then until pending requests have ended.
 *
 * @throws TroupeError the reason why it cannot serve.
 */
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

/** Carries out the orders of the kernel, and of no other sender. */
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

/** The message comes from the kernel: only its type must be determined. */
function isOrder(payload: unknown): payload is ServerOrder {
  return typeof payload === 'object' && payload !== null && 'type' in payload
}
