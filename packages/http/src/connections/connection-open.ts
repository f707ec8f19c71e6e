/** The notification that a process gets about a new connection. */
import type { EntryId } from '@troupe/core'

/**
 * Payload of `ws.open` and `sse.open`, the first message of a connection. The connection itself is the message's
 * sender.
 */
export interface ConnectionOpen {
  readonly entry: EntryId
  /** Path and query of the request. */
  readonly url: string
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly remoteAddress: string | undefined
}
