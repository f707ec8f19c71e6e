/**
 * A route: the serialisable description that lets a thread dial one overlay. It holds an address and credentials, so it
 * is a capability: only threads that were granted the overlay get it, and it never shows in logs or errors.
 */
import type { EntryId } from '@troupe/core'

/** The fields that every route has, whatever its driver. */
export interface Route {
  readonly overlay: EntryId
  /**
   * Increases each time the overlay is rebuilt. Pools are keyed by it, so that old connections serve no new requests.
   */
  readonly generation: number
  /** Name of the thread-side driver that dials it. */
  readonly driver: string
  /** The driver's own data. */
  readonly config: unknown
}
