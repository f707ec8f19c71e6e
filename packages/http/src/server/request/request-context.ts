/** What a handler is told beside the request. */
import type { EntryId } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { ClientCertificate } from '../listener/client-certificate.ts'

/**
 * The second argument of a function that answers requests.
 *
 * @example
 * ```ts
 * import type { RequestContext } from 'troupe'
 *
 * export function showUser(request: Request, { params }: RequestContext): Response {
 *   return Response.json({ user: params['id'], url: request.url })
 * }
 * ```
 */
export interface RequestContext {
  /** Parameters of the path, decoded: `{id}` of `/users/{id}`, `{rest...}` of `/files/{rest...}`; what `*` took is `params['*']`. */
  readonly params: Readonly<Record<string, string>>
  /** Who opened the connection, as the overlay tells; none in the clear. */
  readonly peer: Peer | undefined
  /** The client's address: in the overlay's terms where it came by one. */
  readonly remoteAddress: string | undefined
  /** The certificate that the client showed, where it was asked for one. With `client_auth` other than `verify`, look at `verified`. */
  readonly certificate: ClientCertificate | undefined
  /** The `http.service` that took the request. */
  readonly service: EntryId
  /** The `http.endpoint` that it was routed to. */
  readonly endpoint: EntryId
}
