/** The context that a handler receives besides the request. */
import type { EntryId } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { ClientCertificate } from '../listener/client-certificate.ts'

/**
 * The second argument of a function that responds to requests.
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
  /**
   * Parameters of the path, decoded: `{id}` of `/users/{id}`, `{rest...}` of `/files/{rest...}`; the match of `*` is
   * `params['*']`.
   */
  readonly params: Readonly<Record<string, string>>
  /** The peer that opened the connection, as the overlay reports it; none in the clear. */
  readonly peer: Peer | undefined
  /** The client's address: in the overlay's terms where the client came through one. */
  readonly remoteAddress: string | undefined
  /**
   * The certificate that the client presented, where it was asked for one. With `client_auth` other than `verify`,
   * check `verified`.
   */
  readonly certificate: ClientCertificate | undefined
  /** The `http.service` that received the request. */
  readonly service: EntryId
  /** The `http.endpoint` that the request was routed to. */
  readonly endpoint: EntryId
}
