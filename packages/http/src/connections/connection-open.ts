/** What a process is notified of a connection that has been opened. */
import type { EntryId } from '@troupe/core'

/** Payload of `ws.open` and `sse.open`, the first message of a connection. The connection itself is the message's sender. */
export interface ConnectionOpen {
  readonly entry: EntryId
  /** Path and query, as they were asked for. */
  readonly url: string
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly remoteAddress: string | undefined
}
