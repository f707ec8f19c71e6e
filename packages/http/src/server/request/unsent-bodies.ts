/** Bodies that wait for clients to take them. When there are too many bytes of them, those who have taken nothing for longest are cut off. */
import { breakOff, type Outgoing } from './outgoing.ts'

/** Bytes of a service's thread. */
const limit = 128 * 1024 * 1024

/** In the order in which they took something last. */
const waiting = new Map<Outgoing, number>()
let total = 0

/** Counts the bytes that a response still has in memory, each time that its client took some. */
export function waits(outgoing: Outgoing, bytes: number): void {
  total += bytes - (waiting.get(outgoing) ?? 0)
  waiting.delete(outgoing)
  if (bytes > 0) waiting.set(outgoing, bytes)
  for (const [oldest, held] of waiting) {
    if (total <= limit || oldest === outgoing) return
    waiting.delete(oldest)
    total -= held
    breakOff(oldest)
  }
}
