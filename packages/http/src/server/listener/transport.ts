/** The server beneath: HTTP/1.1 in the clear, or both HTTP/1.1 and HTTP/2 over TLS. */
import { nodeTimeout, startInterval, startTimer, stopTimer } from '@troupe/core'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerOptions } from 'node:http'
import { createSecureServer, type Http2SecureServer, Http2ServerRequest, type ServerHttp2Session } from 'node:http2'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpServiceFields } from '../../config/service-kind.ts'
import { Http1Connections } from '../http1-connections.ts'
import type { Incoming } from '../request/bindings.ts'
import { Http1Outgoing, Http2Outgoing, type Outgoing } from '../request/outgoing.ts'
import { readCertificates, tlsOptions } from './tls.ts'
import { connectionsByDefault } from './open-files.ts'

export interface TransportEvents {
  readonly onRequest: (incoming: Incoming, outgoing: Outgoing) => void
  /** Whether an upgrade is for a WebSocket that is there; any other is a request like all others. */
  readonly takesSocket: (incoming: IncomingMessage) => boolean
}

export type Transport = HttpServer | HttpsServer | Http2SecureServer

/** HTTP/2 sessions that are open: they are asked to end when a server takes no more. */
const sessions = new WeakMap<Transport, Set<ServerHttp2Session>>()

const connections = new WeakMap<Transport, Http1Connections>()

/** Milliseconds between looks for requests that take too long to come in. */
const checkEvery = 1000

/** Milliseconds between looks for connections that have become idle, while a server drains. */
const sweepEvery = 50

/** Milliseconds that a head which has begun may take while a server drains: Node looks for slow ones no more then. */
const headGrace = 1000

/** Milliseconds that a client may take to agree on TLS, where a head may take any. */
const handshake = 120_000

/** Streams of one HTTP/2 connection at a time. */
const maxStreams = 100

/** @throws TroupeError `Invalid` for certificates that cannot be read. */
export function createTransport(fields: HttpServiceFields, events: TransportEvents): Transport {
  const { tls, limits, http2 } = fields
  const transport =
    tls === undefined || tls.mode === 'auto'
      ? markedSecure(createServer(http1Options(fields, events), events.onRequest), tls !== undefined)
      : createTlsServer(fields, { ...tlsOptions(tls), ...readCertificates(tls) }, http2, events)
  connections.set(transport, new Http1Connections(transport, 'setSecureContext' in transport))
  transport.maxConnections = limits.connections ?? connectionsByDefault()
  return transport
}

function createTlsServer(
  fields: HttpServiceFields,
  secure: ReturnType<typeof tlsOptions> & ReturnType<typeof readCertificates>,
  http2: boolean,
  events: TransportEvents,
): HttpsServer | Http2SecureServer {
  const options = { ...http1Options(fields, events), ...secure, handshakeTimeout: nodeTimeout(fields.timeouts.headers || handshake) }
  const server = http2 ? createBoth(fields, options, events) : createHttpsServer(options, events.onRequest)
  if (fields.tls?.clientAuth === 'require') server.prependListener('secureConnection', requireCertificate)
  return server
}

function createBoth(
  { limits, timeouts }: HttpServiceFields,
  { ServerResponse: http1Response, ...options }: ReturnType<typeof http1Options>,
  events: TransportEvents,
): Http2SecureServer {
  const server = createSecureServer<typeof IncomingMessage, typeof Http1Outgoing, typeof Http2ServerRequest, typeof Http2Outgoing>(
    {
      ...options,
      http1Options: { ServerResponse: http1Response },
      Http2ServerResponse: Http2Outgoing,
      allowHTTP1: true,
      maxHeaderListPairs: 256,
      maxSessionMemory: 10,
      settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: limits.headers },
    },
    events.onRequest,
  )
  const open = new Set<ServerHttp2Session>()
  sessions.set(server, open)
  server.on('session', (session: ServerHttp2Session) => {
    open.add(session)
    session.once('close', () => open.delete(session))
    if (timeouts.idle > 0) closeWhenIdle(session, timeouts.idle)
  })
  return server
}

/** Not by `session.setTimeout()`, which keeps sessions that have ended (`docs/discoveries/0063-sessions-with-a-timeout.md`). */
function closeWhenIdle(session: ServerHttp2Session, milliseconds: number): void {
  let streams = 0
  const timer = startTimer(() => {
    if (streams === 0) session.close()
  }, milliseconds)
  session.on('stream', (stream) => {
    streams += 1
    stream.once('close', () => {
      streams -= 1
      if (streams === 0 && !session.closed) timer.refresh()
    })
  })
  session.once('close', () => timer.stop())
}

/** Where the overlay has ended TLS, requests came by it all the same. */
function markedSecure(server: HttpServer, isSecure: boolean): HttpServer {
  if (isSecure) server.prependListener('connection', (socket: Socket) => Object.assign(socket, { encrypted: true }))
  return server
}

function http1Options(
  { timeouts, limits }: HttpServiceFields,
  { takesSocket }: TransportEvents,
): ServerOptions<typeof IncomingMessage, typeof Http1Outgoing> & { readonly ServerResponse: typeof Http1Outgoing } {
  const { headers, read, idle } = timeouts
  return {
    maxHeaderSize: limits.headers,
    headersTimeout: nodeTimeout(read === 0 ? headers : Math.min(headers, read)),
    requestTimeout: nodeTimeout(read),
    keepAliveTimeout: nodeTimeout(idle),
    connectionsCheckingInterval: checkEvery,
    noDelay: true,
    insecureHTTPParser: false,
    requireHostHeader: true,
    shouldUpgradeCallback: (incoming) => isUpgrade(incoming) && takesSocket(incoming),
    ServerResponse: Http1Outgoing,
  }
}

/** TLS itself can ask for a certificate that a known authority signed, or for any or none; not for any but one. */
function requireCertificate(socket: TLSSocket): void {
  if (Object.keys(socket.getPeerCertificate()).length === 0) socket.destroy()
}

/** Takes no more connections. Settles when those that there were have ended, each after what was under way on it. */
export async function drain(transport: Transport): Promise<void> {
  const closed = once(transport, 'close')
  transport.close()
  for (const session of sessions.get(transport) ?? []) session.close()
  // A connection that is kept alive is idle only once its last answer is out.
  const sweep = startInterval(() => {
    if ('closeIdleConnections' in transport) transport.closeIdleConnections()
  }, sweepEvery)
  const unasked = startTimer(() => connections.get(transport)?.endUnasked(), headGrace)
  await closed.finally(() => {
    stopTimer(sweep)
    stopTimer(unasked)
  })
}

/** The connection that a request came by. */
export function tlsSocketOf(incoming: Incoming): unknown {
  // What HTTP/2 shows as its socket is a stand-in.
  return incoming instanceof Http2ServerRequest ? incoming.stream.session?.socket : incoming.socket
}

/** Whether Node is to hand over the connection. Other upgrades are ignored: such requests are answered as they are (RFC 9110, 7.8). */
function isUpgrade({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}
