/** The functions that a server provides to its middleware. */
import type { EntryId } from '@troupe/core'
import type { Context } from 'hono'

/** The entry that a request was routed to. */
export interface RoutedEndpoint {
  readonly id: EntryId
  /** The action for which it requires permission, if it names one. */
  readonly permission?: string
}

export interface MiddlewareContext {
  /** Returns the address of the other side of the connection, where it has one. */
  readonly peer: (context: Context) => string | undefined
  /** Calls `then` once, when the response has been sent completely, or will not be. */
  readonly onEnd: (context: Context, then: () => void) => void
  /**
   * Ends a request that must not continue: it is refused, or its response is cut off. Streams of events and WebSockets
   * are closed by their own code.
   */
  readonly cut: (context: Context, reason: string) => void
  /** Logs an error that comes too late for a response. */
  readonly failed: (context: Context, error: unknown) => void
  /** Returns where the request was routed to; nothing when it has no endpoint. */
  readonly endpoint: (context: Context) => RoutedEndpoint | undefined
}
