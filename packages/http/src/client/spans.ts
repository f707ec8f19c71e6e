/** The spans of requests. They contain the target, and no login, query or header: these may contain secrets. */
import { type EntryId, type Span, startSpan } from '@troupe/core'
import { threadOverlay } from '@troupe/network'
import type { ParsedRequest } from './request/parsed-request.ts'

/** From this status on, the request has failed. */
const failed = 400

/** Of a request, until the head of its response has arrived. */
export function requestSpan({ method, url }: ParsedRequest, overlay: EntryId | null): Span | undefined {
  const { protocol, hostname, port, origin, pathname } = url
  // The exporter of this thread does not use the overlay: the target stays in it.
  const isShown = overlay === null || overlay === threadOverlay()
  return startSpan({
    name: method,
    kind: 'client',
    attributes: {
      'http.request.method': method,
      'url.scheme': protocol.slice(0, -1),
      ...(isShown && {
        'url.full': `${origin}${pathname}`,
        'server.address': hostname,
        'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      }),
      ...(overlay !== null && { 'troupe.overlay': overlay }),
    },
  })
}

/** The head of the response has arrived. */
export function endRequestSpan(span: Span, { status }: Response): void {
  span.set({ 'http.response.status_code': status })
  span.end(status < failed ? undefined : String(status))
}
