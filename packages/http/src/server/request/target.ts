/** The target of a request: its path and host. */
import type { IncomingMessage } from 'node:http'
import { Http2ServerRequest } from 'node:http2'
import type { Incoming } from './bindings.ts'

/** Methods that are for proxies, or would show data that only the client may see (RFC 9110, 9.3). */
const refused = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Returns whether a server can respond to the method at all. */
export function isRoutable({ method = '' }: Pick<Incoming, 'method'>): boolean {
  return !refused.has(method.toUpperCase())
}

/** Returns the requested host. An absolute target takes precedence over `Host` (RFC 9112, 3.2.2). */
export function authorityOf({ url }: Pick<Request, 'url'>, incoming: Incoming): string {
  if (incoming instanceof Http2ServerRequest) return incoming.authority
  return incoming.url?.startsWith('/') === true ? (incoming.headers.host ?? '') : (URL.parse(url)?.host ?? '')
}

/** Returns an upgrade as a request for middleware; undefined where its target is invalid. */
export function upgradeRequest({ headers, url = '/', socket }: IncomingMessage): Request | undefined {
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const at = `${scheme}://${headers.host ?? 'localhost'}${url}`
  if (!url.startsWith('/') || !URL.canParse(at)) return undefined
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) fields.set(name, Array.isArray(value) ? value.join(', ') : value)
  return new Request(at, { headers: fields })
}
