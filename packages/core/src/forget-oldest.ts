/** Limits what is remembered. */

/** A map or a set, in the order in which its keys were added. */
interface Remembered<Key> {
  readonly size: number
  keys(): Iterable<Key>
  delete(key: Key): boolean
}

/**
 * Forgets the key that was added first, if there are more than `most`. Call it after each key that is added. With keys
 * that are deleted and added again when they are used, it is the one that was used the longest time ago.
 */
export function forgetOldest<Key>(remembered: Remembered<Key>, most: number): void {
  if (remembered.size <= most) return
  for (const oldest of remembered.keys()) {
    remembered.delete(oldest)
    return
  }
}
