/** The program of a server's process. The kernel sends it its address and routes, at the start and later. */
import { errorFromWire, threadOf } from '@troupe/core'
import { ask, self } from '@troupe/process'
import { orderTopic, type ServerOrder } from './order.ts'
import { RequestCounter } from './counts/request-counter.ts'
import { RequestHandler } from './request/request-handler.ts'
import { Server } from './listener/server.ts'
import type { RouteTable, ServerSettings } from './routing/route-table.ts'

/**
 * Serves until it is cancelled, and then until pending requests have ended.
 *
 * @param counts - Memory in which it counts its requests.
 *
 * @throws TroupeError the reason why it cannot serve.
 */
export async function serve(settings: ServerSettings, table: RouteTable, counts: SharedArrayBuffer): Promise<void> {
  const counter = new RequestCounter(counts)
  const requests = new RequestHandler(settings, counter)
  await requests.route(table)
  const server = new Server(settings, requests, counter)
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
