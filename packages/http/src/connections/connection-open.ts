/** The notification that a process gets about a new connection. */
import type { EntryId } from '@troupe/core'

/**
 * Payload of `ws.open` and `sse.open`, the first message of a connection. The connection itself is the message's
 * sender.
 */
export interface ConnectionOpen {
  /** The id of the endpoint. */
  readonly entry: EntryId
  /** Path and query of the request. */
  readonly url: string
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  /** The headers of the request, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The address of the client, if its network has addresses. */
  readonly remoteAddress: string | undefined
}
