/** Tells servers of this thread that an overlay on which they listen was replaced or removed. */
import type { EntryId } from '@troupe/core'

const listeners = new Map<EntryId, Set<() => void>>()

/** Has `fn` called each time `overlay` was replaced or removed, until what is answered is called. */
export function onOverlayMoved(overlay: EntryId, fn: () => void): () => void {
  const known = listeners.get(overlay) ?? new Set()
  listeners.set(overlay, known.add(fn))
  return () => {
    known.delete(fn)
    if (known.size === 0) listeners.delete(overlay)
  }
}

/** Says that an overlay was replaced or removed: servers that listen on it look for their place in the new one. */
export function overlayMoved(overlay: EntryId): void {
  for (const fn of listeners.get(overlay) ?? []) fn()
}
