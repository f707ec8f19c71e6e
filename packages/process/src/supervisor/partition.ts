/** The partition to which a key belongs. */

/**
 * The same key gives the same partition as long as their number stays the same. Keys of all kinds are distributed
 * evenly (FNV-1a, 32 bits, mixed once more).
 */
export function partitionOf(key: string | number, partitions: number): number {
  const text = typeof key === 'number' ? `n${key}` : `s${key}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return (hash >>> 0) % partitions
}
