/** The server beneath: HTTP/1.1 in the clear, or both HTTP/1.1 and HTTP/2 over TLS. */
import { nodeTimeout, startInterval, stopTimer } from '@troupe/core'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerOptions, type ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpServiceFields } from '../kinds-service.ts'
import type { Incoming } from './environment.ts'
import { readCertificates, tlsOptions } from './tls.ts'
import { isUpgrade } from './upgrade.ts'

export type Listener = (incoming: IncomingMessage | Http2ServerRequest, outgoing: ServerResponse | Http2ServerResponse) => void
export type Transport = HttpServer | HttpsServer | Http2SecureServer

/** Told to a transport that takes no more: connections end as soon as nothing is under way on them. */
const draining = Symbol('draining')

/** Milliseconds between looks for requests that take too long to come in. */
const checkEvery = 1000

/** Milliseconds between looks for connections that have become idle, while a server drains. */
const sweepEvery = 50

/** Streams of one HTTP/2 connection at a time. */
const maxStreams = 100

/** @throws TroupeError `Invalid` for certificates that cannot be read. */
export function createTransport(fields: HttpServiceFields, listener: Listener): Transport {
  const { tls, limits, http2 } = fields
  const transport =
    tls === undefined || tls.mode === 'auto'
      ? markedSecure(createServer(http1Options(fields), listener), tls !== undefined)
      : createTlsServer(fields, { ...tlsOptions(tls), ...readCertificates(tls) }, http2, listener)
  if (limits.connections !== undefined) transport.maxConnections = limits.connections
  return transport
}

function createTlsServer(
  fields: HttpServiceFields,
  secure: ReturnType<typeof tlsOptions> & ReturnType<typeof readCertificates>,
  http2: boolean,
  listener: Listener,
): HttpsServer | Http2SecureServer {
  const options = { ...http1Options(fields), ...secure }
  const server = http2
    ? createSecureServer(
        {
          ...options,
          allowHTTP1: true,
          maxHeaderListPairs: 256,
          maxSessionMemory: 10,
          settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: fields.limits.headers },
        },
        listener,
      )
    : createHttpsServer(options, listener)
  if (fields.tls?.clientAuth === 'require') server.prependListener('secureConnection', requireCertificate)
  server.on('session', (session: ServerHttp2Session) => {
    if (fields.timeouts.idle > 0) session.setTimeout(nodeTimeout(fields.timeouts.idle), () => session.close())
    server.once(draining, () => session.close())
  })
  return server
}

/** Where the overlay has ended TLS, requests came by it all the same. */
function markedSecure(server: HttpServer, isSecure: boolean): HttpServer {
  if (isSecure) server.prependListener('connection', (socket: Socket) => Object.assign(socket, { encrypted: true }))
  return server
}

function http1Options({ timeouts, limits }: HttpServiceFields): ServerOptions {
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
    shouldUpgradeCallback: isUpgrade,
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
  transport.emit(draining)
  // A connection that is kept alive is idle only once its last answer is out.
  const sweep = startInterval(() => {
    if ('closeIdleConnections' in transport) transport.closeIdleConnections()
  }, sweepEvery)
  await closed.finally(() => stopTimer(sweep))
}

/** The connection that a request came by. */
export function tlsSocketOf(incoming: Incoming): unknown {
  // What HTTP/2 shows as its socket is a stand-in.
  return incoming instanceof Http2ServerRequest ? incoming.stream.session?.socket : incoming.socket
}
