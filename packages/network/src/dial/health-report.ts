/** The health of overlays and the ends of dials, as they are shown. */
import type { EntryId, ErrorKind } from '@troupe/core'
import type { Entrance, Target } from '../overlay/overlay.ts'

/** Duration in milliseconds of the dials that opened a connection. */
export interface DialLatency {
  readonly count: number
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Health of one overlay, as this thread sees it. */
export interface OverlayHealth {
  readonly overlay: EntryId
  /** Generation of the route that was dialled last. */
  readonly generation: number
  /**
   * State after the last dial; `degraded` when some of several proxies are down. A refusal by the target is no failure
   * of the overlay.
   */
  readonly state: 'up' | 'degraded' | 'down'
  /** The last failure of a dial, including failures of the target. */
  readonly lastError?: { readonly at: number; readonly kind: ErrorKind; readonly message: string }
  /** Dials that opened a connection, dials that failed, and dials in progress. */
  readonly opened: number
  readonly failed: number
  readonly dialling: number
  /** Connections that arrived through the overlay. */
  readonly accepted: number
  /** Connections that are open now. */
  readonly open: number
  /** Through all connections, open and closed, including handshakes. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly latency: DialLatency
  /** Where the overlay has several entrances, in the entry's order. */
  readonly entrances?: readonly Entrance[]
}

/** An event of the channel `troupe:overlay:dial`: a dial has ended. */
export interface DialEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** Number of the route; each change of the entry increases it. */
  readonly generation: number
  /** The host and the port that were dialled. */
  readonly target: Target
  /** Duration of the dial, in milliseconds. */
  readonly milliseconds: number
  /** The `traceparent` of the code that dialled, if it belongs to a trace. */
  readonly trace?: string
  /** Why it failed; absent when the dial opened a connection. */
  readonly error?: unknown
}
