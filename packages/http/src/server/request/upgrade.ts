/**
 * Upgrades to WebSockets: they are routed like all other requests, with all middleware, before the connection is handed
 * over.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { currentSlot, runInSlot } from '@troupe/core'
import { clientAddress } from '../../middleware/client-address.ts'
import { acceptWebSocket, type UpgradeOutcome } from '../../websocket/index.ts'
import type { RequestIn } from './handler-context.ts'
import type { Accepted } from './request-call.ts'
import { discard } from './discard.ts'
import { problem } from './problem.ts'
import type { SocketRoute } from '../routing/route-table.ts'
import { middlewareContext } from '../routing/middleware-context.ts'

/**
 * Responds to a request that was routed to a WebSocket: an upgrade is accepted, any other request gets a response that
 * asks for one.
 */
export function wantsSocket(route: SocketRoute, context: RequestIn): Response {
  const { env, req } = context
  env.route = route
  if (env.outgoing !== undefined) return problem(426, undefined, { upgrade: 'websocket' })
  const remoteAddress = clientAddress(context, middlewareContext)
  env.accepted = { route, params: req.param(), remoteAddress, slot: currentSlot() }
  return new Response(null, { status: 204 })
}

/** Hands a connection to its process, on behalf of the caller. */
export async function openSocket(
  { route, params, remoteAddress, slot }: Accepted,
  {
    request,
    socket,
    head,
    isOwnPage,
  }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer; readonly isOwnPage: boolean },
): Promise<UpgradeOutcome> {
  const asked = {
    request,
    socket,
    head,
    route,
    params,
    isOwnPage,
    ...(remoteAddress !== undefined && { remoteAddress }),
  }
  const accept = async () => acceptWebSocket(asked)
  return slot === undefined ? accept() : runInSlot(slot, accept)
}

/** Responds to an upgrade that was refused, and closes. */
export async function refuseSocket(socket: Duplex, response: Response): Promise<void> {
  if (socket.destroyed) {
    discard(response)
    return
  }
  const body = Buffer.from(await response.arrayBuffer())
  const status = response.status === 204 ? 426 : response.status
  const headers = [...response.headers].filter(
    ([name]) => !['connection', 'content-length', 'transfer-encoding'].includes(name),
  )
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    `content-length: ${body.byteLength}`,
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]))
}
