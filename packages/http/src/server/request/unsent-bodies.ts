/**
 * Bodies that wait for clients to read them. When they have too many bytes, the clients that have read nothing for
 * longest are cut off.
 */
import { breakOff, type Outgoing } from './outgoing.ts'

/** Maximum number of bytes in a service's thread. */
const limit = 128 * 1024 * 1024

/** In the order of the clients' last reads. */
const waiting = new Map<Outgoing, number>()
let total = 0

/** Counts the bytes that a response still has in memory, each time that its client reads some. */
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
