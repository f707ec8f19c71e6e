/** The next request after a redirect (RFC 9110 §15.4, and the Fetch standard where browsers differ from it). */
import { invalid, TroupeError } from '@troupe/core'
import { isReplayable } from '../body/body.ts'
import type { Exchange } from '../response/exchange.ts'
import { shownUrl } from '../errors.ts'
import type { Tls } from './options-schema.ts'
import type { OutgoingRequest } from '../outgoing-request.ts'

/** The same limit as in browsers. */
export const mostRedirects = 20

const statuses = new Set([301, 302, 303, 307, 308])
/** Fields that another origin must not receive. */
const secrets = new Set(['authorization', 'proxy-authorization', 'cookie', 'host'])
/** Fields that services invented for their keys. */
const secretWords = '(?:api|access)[-_]?key|auth|authorization|token|secret|signature|session|password|credentials?'
const ownSecrets = new RegExp(`(?:^|[-_])(?:${secretWords})(?:$|[-_])`)
const ofTheBody = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']

/** Returns the target of the response, if it is a redirect. */
export function locationOf({ status, fields }: Exchange): string | undefined {
  if (!statuses.has(status)) return undefined
  const { location } = fields
  const first = typeof location === 'string' ? location : location?.[0]
  // Fields arrive as bytes: those beyond ASCII are read as UTF-8, despite the standard.
  return first === undefined ? undefined : Buffer.from(first, 'latin1').toString('utf8')
}

/**
 * Returns the request that `location` leads to.
 *
 * @throws TroupeError `Unavailable` for a location that is not an HTTP URL, `Invalid` for a stream that would be sent
 *   again.
 */
export function redirected(outgoing: OutgoingRequest, status: number, location: string): OutgoingRequest {
  const url = URL.parse(location, outgoing.url)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TroupeError('Unavailable', 'was redirected to something that is not an HTTP URL', { retryable: false })
  }
  url.hash = ''
  url.username = ''
  url.password = ''
  const headers = outgoing.headers.copy()
  if (url.origin !== outgoing.url.origin) {
    for (const name of headers.names()) if (secrets.has(name) || ownSecrets.test(name)) headers.delete(name)
  }
  const becomesGet =
    status === 303
      ? outgoing.method !== 'GET' && outgoing.method !== 'HEAD'
      : status <= 302 && outgoing.method === 'POST'
  if (becomesGet) {
    for (const name of ofTheBody) headers.delete(name)
    return { method: 'GET', url, headers, body: undefined }
  }
  if (!isReplayable(outgoing.body)) {
    throw invalid(
      `was redirected to ${shownUrl(url)} with its body, and a stream cannot be sent twice: send bytes, or that URL`,
    )
  }
  return { method: outgoing.method, url, headers, body: outgoing.body }
}

/**
 * Returns the TLS options for the target of a redirect. A client certificate, a server name and `insecureSkipVerify`
 * apply only to the first host.
 */
export function tlsFor(tls: Tls | undefined, from: URL, to: URL): Tls | undefined {
  if (tls === undefined || from.hostname === to.hostname) return tls
  return tls.ca === undefined ? undefined : { ca: tls.ca }
}
