/** The underlying server: HTTP/1.1 in the clear, or both HTTP/1.1 and HTTP/2 over TLS. */
import { nodeTimeout, startInterval, startTimer, stopTimer } from '@troupe/core'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerOptions } from 'node:http'
import { createSecureServer, type Http2SecureServer, Http2ServerRequest, type ServerHttp2Session } from 'node:http2'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpServiceFields } from '../../config/service-kind.ts'
import { Http1Connections } from '../http1-connections.ts'
import type { Incoming } from '../request/request-call.ts'
import { Http1Outgoing, Http2Outgoing, type Outgoing } from '../request/outgoing.ts'
import { readCertificates, tlsOptions } from './tls.ts'
import { connectionsByDefault } from './open-files.ts'

export interface TransportEvents {
  readonly onRequest: (incoming: Incoming, outgoing: Outgoing) => void
  /** Returns whether an upgrade is for an existing WebSocket; any other is handled as a normal request. */
  readonly takesSocket: (incoming: IncomingMessage) => boolean
}

export type Transport = HttpServer | HttpsServer | Http2SecureServer

/** Open HTTP/2 sessions: they are asked to end when a server accepts no more. */
const sessions = new WeakMap<Transport, Set<ServerHttp2Session>>()

const connections = new WeakMap<Transport, Http1Connections>()

/** Milliseconds between checks for requests that arrive too slowly. */
const checkEvery = 1000

/** Milliseconds between checks for idle connections, while a server drains. */
const sweepEvery = 50

/**
 * Milliseconds that a head which has begun may take while a server drains: Node no longer checks for slow heads then.
 */
const headGrace = 1000

/** Milliseconds that a client may take for the TLS handshake, where a head has no time limit. */
const handshake = 120_000

/** Simultaneous streams of one HTTP/2 connection. */
const maxStreams = 100

/** @throws TroupeError `Invalid` for certificates that cannot be read. */
export function createTransport(fields: HttpServiceFields, events: TransportEvents): Transport {
  const { tls, limits, http2 } = fields
  const onRequest: TransportEvents['onRequest'] = (incoming, outgoing) => {
    if (outgoing instanceof Http1Outgoing) open.asked(incoming, outgoing)
    events.onRequest(incoming, outgoing)
  }
  const transport =
    tls === undefined || tls.mode === 'auto'
      ? markedSecure(createServer(http1Options(fields, events), onRequest), tls !== undefined)
      : createTlsServer(fields, { ...tlsOptions(tls), ...readCertificates(tls) }, http2, { ...events, onRequest })
  const open = new Http1Connections(transport, 'setSecureContext' in transport)
  connections.set(transport, open)
  transport.maxConnections = limits.connections ?? connectionsByDefault()
  return transport
}

function createTlsServer(
  fields: HttpServiceFields,
  secure: ReturnType<typeof tlsOptions> & ReturnType<typeof readCertificates>,
  http2: boolean,
  events: TransportEvents,
): HttpsServer | Http2SecureServer {
  const options = {
    ...http1Options(fields, events),
    ...secure,
    handshakeTimeout: nodeTimeout(fields.timeouts.headers || handshake),
  }
  const server = http2 ? createBoth(fields, options, events) : createHttpsServer(options, events.onRequest)
  if (fields.tls?.clientAuth === 'require') server.prependListener('secureConnection', requireCertificate)
  return server
}

function createBoth(
  { limits, timeouts }: HttpServiceFields,
  { ServerResponse: http1Response, ...options }: ReturnType<typeof http1Options>,
  events: TransportEvents,
): Http2SecureServer {
  const server = createSecureServer<
    typeof IncomingMessage,
    typeof Http1Outgoing,
    typeof Http2ServerRequest,
    typeof Http2Outgoing
  >(
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

/**
 * Does not use `session.setTimeout()`, which keeps ended sessions in memory
 * (`docs/discoveries/0063-sessions-with-a-timeout.md`).
 */
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

/** Marks requests as secure where the overlay has ended TLS. */
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

/**
 * TLS itself can require a certificate from a known authority, or accept any or none. It cannot require one from any
 * authority.
 */
function requireCertificate(socket: TLSSocket): void {
  if (Object.keys(socket.getPeerCertificate()).length === 0) socket.destroy()
}

/** Accepts no more connections. Settles when the existing ones have ended, each after its pending requests. */
export async function drain(transport: Transport): Promise<void> {
  const closed = once(transport, 'close')
  transport.close()
  for (const session of sessions.get(transport) ?? []) session.close()
  // A kept-alive connection is idle only when its last response has been sent.
  const sweep = startInterval(() => {
    if ('closeIdleConnections' in transport) transport.closeIdleConnections()
  }, sweepEvery)
  const unasked = startTimer(() => connections.get(transport)?.endUnasked(), headGrace)
  await closed.finally(() => {
    stopTimer(sweep)
    stopTimer(unasked)
  })
}

/** Returns the connection on which a request arrived. */
export function tlsSocketOf(incoming: Incoming): unknown {
  // The socket of an HTTP/2 request is a proxy object.
  return incoming instanceof Http2ServerRequest ? incoming.stream.session?.socket : incoming.socket
}

/**
 * Returns whether Node hands over the connection. Other upgrades are ignored: such requests get a normal response (RFC
 * 9110, 7.8).
 */
function isUpgrade({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}
