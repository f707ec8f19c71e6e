/**
 * A route: the serialisable description that lets a thread dial one overlay. It holds an address and credentials, so it
 * is a capability: only threads that were granted the overlay get it, and it never shows in logs or errors.
 */
import type { EntryId } from '@troupe/core'

/** The fields that every route has, whatever its driver. */
export interface Route {
  readonly overlay: EntryId
  /**
   * Number of the application in its program: overlays of several may have the same id. Whatever is kept for an overlay
   * is kept for one application.
   */
  readonly application?: number
  /**
   * Increases each time the overlay is rebuilt. Pools are keyed by it, so that old connections serve no new requests.
   */
  readonly generation: number
  /** Name of the thread-side driver that dials it. */
  readonly driver: string
  /** The driver's own data. */
  readonly config: unknown
}

/** An overlay of an application; without the application, that of any. */
export interface OverlayOf {
  readonly overlay: EntryId
  readonly application?: number | undefined
}

/** Whether two name the same overlay: those of two applications are two. */
export function isSameOverlay(one: OverlayOf, other: OverlayOf): boolean {
  if (one.overlay !== other.overlay) return false
  return one.application === undefined || other.application === undefined || one.application === other.application
}
