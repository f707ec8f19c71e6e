/**
 * Which threads may dial which overlays. A thread gets a route only after it was granted the overlay: because the frame of a process in
 * it has it, because the code in it chose it and was allowed to, or because a message brought it from a thread that had it.
 */
import type { EntryId } from '@troupe/core'
import { directNetwork } from '@troupe/policy'

/** The clear network is granted like an overlay. */
type Resource = EntryId | typeof directNetwork

interface Claim {
  readonly thread: number
  readonly resource: Resource
}

/** Threads that ended and are still remembered: what they sent may still be on its way. */
const maxGone = 1024

export class Grants {
  readonly #held = new Map<number, Set<Resource>>()
  /** Claims that wait for the thread which they came by to be granted itself. */
  readonly #waiting = new Map<number, Claim[]>()
  readonly #gone = new Set<number>()

  grant(thread: number, overlay: EntryId | null): void {
    this.#grant(thread, overlay ?? directNetwork)
  }

  holds(thread: number, overlay: EntryId | null): boolean {
    return this.#held.get(thread)?.has(overlay ?? directNetwork) === true
  }

  /** A message brought `overlay` to `thread` from thread `via`: granted if, or as soon as, that one holds it. */
  claim(thread: number, overlay: EntryId | null, via: number): void {
    const resource = overlay ?? directNetwork
    if (this.#held.get(via)?.has(resource) === true) this.#grant(thread, resource)
    else this.#waiting.set(via, [...(this.#waiting.get(via) ?? []), { thread, resource }])
  }

  /** Takes an overlay from all threads; answers which ones had it. */
  withdraw(overlay: EntryId): number[] {
    return Array.from(this.#held)
      .filter(([, resources]) => resources.delete(overlay))
      .map(([thread]) => thread)
  }

  /** A thread ended. Its grants stay known for a while, for the messages that it sent last. */
  threadGone(thread: number): void {
    this.#waiting.delete(thread)
    if (!this.#held.has(thread)) return
    this.#gone.add(thread)
    if (this.#gone.size <= maxGone) return
    const [oldest] = this.#gone
    if (oldest === undefined) return
    this.#gone.delete(oldest)
    this.#held.delete(oldest)
  }

  #grant(thread: number, resource: Resource): void {
    const held = this.#held.get(thread)
    if (held?.has(resource) === true) return
    if (held === undefined) this.#held.set(thread, new Set([resource]))
    else held.add(resource)
    const waiting = this.#waiting.get(thread)
    if (waiting === undefined) return
    this.#waiting.set(
      thread,
      waiting.filter((claim) => claim.resource !== resource),
    )
    for (const claim of waiting) if (claim.resource === resource) this.#grant(claim.thread, resource)
  }
}
