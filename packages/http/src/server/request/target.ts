/** What a request asks for: the place, and at which host. */
import type { IncomingMessage } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { Incoming } from './bindings.ts'

/** Methods that are for proxies, or show what only the client may see (RFC 9110, 9.3). */
const refused = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Whether a server can answer the method at all. */
export function isRoutable({ method = '' }: Pick<Incoming, 'method'>): boolean {
  return !refused.has(method.toUpperCase())
}

/** The host that was asked. An absolute target goes before the `Host` (RFC 9112, 3.2.2). */
export function authorityOf({ url }: Pick<Request, 'url'>, incoming: Incoming): string {
  if (incoming instanceof Http2ServerRequest) return incoming.authority
  return incoming.url?.startsWith('/') === true ? (incoming.headers.host ?? '') : (URL.parse(url)?.host ?? '')
}

/** An upgrade as middleware sees it; nothing where it names no place. */
export function upgradeRequest({ headers, url = '/', socket }: IncomingMessage): Request | undefined {
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const at = `${scheme}://${headers.host ?? 'localhost'}${url}`
  if (!url.startsWith('/') || !URL.canParse(at)) return undefined
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) fields.set(name, Array.isArray(value) ? value.join(', ') : value)
  return new Request(at, { headers: fields })
}
