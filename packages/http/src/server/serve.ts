/** The program of a server's process. The kernel tells it where to listen, and what to serve, now and later. */
import { threadOf } from '@troupe/core'
import { ask, self } from '@troupe/process'
import { Requests } from './requests.ts'
import { Server } from './server.ts'
import type { RouteTable, ServerSettings } from './table.ts'

/** What the kernel says to a server. */
export type ServerOrder =
  | { readonly type: 'routes'; readonly table: RouteTable }
  /** Asks whether it still answers. */
  | { readonly type: 'ping' }

export const orderTopic = 'http.order'

/** Serves until it is cancelled, and then until what is under way has ended. @throws TroupeError what keeps it from serving. */
export async function serve(settings: ServerSettings, table: RouteTable): Promise<void> {
  const requests = new Requests(settings)
  await requests.route(table)
  const server = new Server(settings, requests)
  const { host, port } = await server.listen()
  await ask('serving', { host, port })
  await Promise.race([obey(server), server.failed])
  await server.close()
}

/** Does as the kernel says, and nobody else. */
async function obey(server: Server): Promise<void> {
  for await (const message of self.inbox) {
    if (message.topic !== orderTopic || threadOf(message.from) !== 0) continue
    if (isOrder(message.payload) && message.payload.type === 'routes') await server.route(message.payload.table)
    message.reply()
  }
}

/** The kernel's own words: all that has to be told is which of them. */
function isOrder(payload: unknown): payload is ServerOrder {
  return typeof payload === 'object' && payload !== null && 'type' in payload
}
