/** What a server lends to its middleware. */
import type { EntryId } from '@troupe/core'
import type { Context } from 'hono'

/** The entry that a request was routed to. */
export interface RoutedEndpoint {
  readonly id: EntryId
  /** The action that it wants to be allowed, if it names one. */
  readonly permission?: string
}

export interface MiddlewareContext {
  /** Address of the other side of the connection, where it has one. */
  readonly peer: (context: Context) => string | undefined
  /** Calls back, once, when the response has been sent to its end, or will not be. */
  readonly onEnd: (context: Context, then: () => void) => void
  /** Ends a request that may not go on: it is refused, or its response is cut. Streams of events and WebSockets are closed by their own. */
  readonly cut: (context: Context, reason: string) => void
  /** Logs an error that comes too late to be answered. */
  readonly failed: (context: Context, error: unknown) => void
  /** Where the request was routed to; nothing when no endpoint answers it. */
  readonly endpoint: (context: Context) => RoutedEndpoint | undefined
}
