/** Notifies servers of this thread when an overlay on which they listen is replaced or removed. */
import type { EntryId } from '@troupe/core'

const listeners = new Map<EntryId, Set<() => void>>()

/** Calls `fn` each time `overlay` is replaced or removed, until the returned function is called. */
export function onOverlayMoved(overlay: EntryId, fn: () => void): () => void {
  const known = listeners.get(overlay) ?? new Set()
  listeners.set(overlay, known.add(fn))
  return () => {
    known.delete(fn)
    if (known.size === 0) listeners.delete(overlay)
  }
}

/** Reports that an overlay was replaced or removed: servers that listen on it open a place in the new one. */
export function overlayMoved(overlay: EntryId): void {
  for (const fn of listeners.get(overlay) ?? []) fn()
}
