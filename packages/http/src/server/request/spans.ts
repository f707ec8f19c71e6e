/**
 * The spans of requests to a service: one in the thread of the service, and one in that of a pool. They name the
 * template of the path, and neither a query, a header nor the address of a client: these may contain secrets.
 */
import { type IncomingMessage, METHODS } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { beginsTraces, type Frame, type Span, startSpan, type TraceContext } from '@troupe/core'
import { isSent, type Outgoing } from './outgoing.ts'

/** Clients of HTTP/2 can send any word as a method. */
const methods: ReadonlySet<string> = new Set(METHODS)
type Incoming = IncomingMessage | Http2ServerRequest

/** A request, and what is known of it at its end. */
interface EndedRequest {
  readonly incoming: Incoming
  readonly outgoing: Outgoing | undefined
  readonly service: string
  readonly route?: { readonly path: string }
  /** The template of the path of a folder of files. */
  readonly template?: string
}

/** From this status on, the server has failed. */
const failed = 500

/** Of a request, until its response has been sent. @param parent - The place in a trace that the client sent. */
export function requestSpan(incoming: Incoming, parent: TraceContext | undefined): Span | undefined {
  const { localAddress, localPort } = incoming.socket
  return startSpan({
    name: methodOf(incoming),
    kind: 'server',
    attributes: {
      'http.request.method': methodOf(incoming),
      'url.scheme': 'encrypted' in incoming.socket ? 'https' : 'http',
      'network.protocol.name': 'http',
      'network.protocol.version': incoming.httpVersion,
      ...(localAddress !== undefined && { 'server.address': localAddress }),
      ...(localPort !== undefined && { 'server.port': localPort }),
    },
    parent: parent ?? { trace: undefined },
    begins: beginsTraces(),
  })
}

/** The response was sent, or will not be. */
export function endRequestSpan(span: Span, { incoming, outgoing, route, template, service }: EndedRequest): void {
  const path = route?.path ?? template
  span.set({ 'troupe.service': service })
  if (path !== undefined) {
    span.rename(`${methodOf(incoming)} ${path}`)
    span.set({ 'http.route': path })
  }
  if (outgoing?.headersSent !== true) {
    span.end()
    return
  }
  const { statusCode } = outgoing
  span.set({ 'http.response.status_code': statusCode })
  span.end(statusCode >= failed ? String(statusCode) : isSent(outgoing) ? undefined : 'incomplete')
}

/** Of a request, in the thread of a pool that handles it. */
export function handlerSpan(endpoint: string, parent: Frame): Span | undefined {
  return startSpan({
    name: `handle ${endpoint}`,
    kind: 'internal',
    attributes: { 'troupe.entry': endpoint },
    parent,
  })
}

function methodOf({ method = '' }: Incoming): string {
  return methods.has(method) ? method : '_OTHER'
}
