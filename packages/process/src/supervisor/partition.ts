/** The partition to which a key belongs. */
import { fnv1a } from '@troupe/core'

/**
 * The same key gives the same partition as long as their number stays the same. Keys of all kinds are distributed
 * evenly (FNV-1a, 32 bits, mixed once more).
 */
export function partitionOf(key: string | number, partitions: number): number {
  const text = typeof key === 'number' ? `n${key}` : `s${key}`
  let hash = fnv1a(text)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return (hash >>> 0) % partitions
}
