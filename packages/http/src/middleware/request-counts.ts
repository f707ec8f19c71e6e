/**
 * Counts the requests of each key in its window. Bounded: beyond the limit, the keys whose windows began first are
 * forgotten.
 */
import type { Store } from 'hono-rate-limiter'

interface Count {
  totalHits: number
  readonly resetTime: Date
}

export class RequestCounts implements Store {
  readonly #window: number
  readonly #maxKeys: number
  /** In the order in which their windows began. */
  readonly #counts = new Map<string, Count>()

  /** @param window Milliseconds. */
  constructor(window: number, maxKeys: number) {
    this.#window = window
    this.#maxKeys = maxKeys
  }

  get size(): number {
    return this.#counts.size
  }

  increment(key: string): Count {
    const now = Date.now()
    const known = this.#counts.get(key)
    if (known !== undefined && known.resetTime.getTime() > now) {
      known.totalHits += 1
      return known
    }
    this.#counts.delete(key)
    this.#makeRoom(now)
    const count = { totalHits: 1, resetTime: new Date(now + this.#window) }
    this.#counts.set(key, count)
    return count
  }

  decrement(key: string): void {
    const known = this.#counts.get(key)
    if (known !== undefined && known.totalHits > 0) known.totalHits -= 1
  }

  resetKey(key: string): void {
    this.#counts.delete(key)
  }

  #makeRoom(now: number): void {
    for (const [key, { resetTime }] of this.#counts) {
      if (resetTime.getTime() > now && this.#counts.size < this.#maxKeys) return
      this.#counts.delete(key)
    }
  }
}
