/** Notifies servers of this thread when an overlay on which they listen is replaced or removed. */
import { isSameOverlay, type OverlayOf } from '../overlay/route.ts'

interface Listener {
  readonly of: OverlayOf
  readonly fn: () => void
}

const listeners = new Set<Listener>()

/** Calls `fn` each time the overlay is replaced or removed, until the returned function is called. */
export function onOverlayMoved(of: OverlayOf, fn: () => void): () => void {
  const listener = { of, fn }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Reports that an overlay was replaced or removed: servers that listen on it open a place in the new one. */
export function overlayMoved(moved: OverlayOf): void {
  for (const { of, fn } of [...listeners]) if (isSameOverlay(of, moved)) fn()
}
