/**
 * The routes that a thread holds. Each is requested from the kernel once, and again after any route was replaced or
 * withdrawn.
 */
import type { EntryId } from '@troupe/core'
import { overlayChanged, type Route } from '@troupe/network'

export class RouteCache {
  readonly #word: Int32Array
  readonly #ask: (overlay: EntryId) => Promise<Route>
  readonly #known = new Map<EntryId, Promise<Route>>()
  #seen: number

  /** @param shared - See `route-epoch.ts`. */
  constructor(shared: SharedArrayBuffer, ask: (overlay: EntryId) => Promise<Route>) {
    this.#word = new Int32Array(shared)
    this.#ask = ask
    this.#seen = this.#now
  }

  /** The route for a dial that starts now. */
  get(overlay: EntryId): Promise<Route> {
    this.refresh()
    const known = this.#known.get(overlay)
    if (known !== undefined) return known
    const asked = this.#current(overlay)
    this.#known.set(overlay, asked)
    asked.catch(() => {
      if (this.#known.get(overlay) === asked) this.#known.delete(overlay)
    })
    return asked
  }

  /** Drops all routes if any was replaced or withdrawn: connections that were opened by them are not reused. */
  refresh(): void {
    const now = this.#now
    if (now === this.#seen) return
    this.#seen = now
    for (const overlay of this.#known.keys()) overlayChanged(overlay)
    this.#known.clear()
  }

  /** A reply that was pending when something changed may be outdated. */
  async #current(overlay: EntryId): Promise<Route> {
    for (;;) {
      const before = this.#now
      const route = await this.#ask(overlay)
      if (this.#now === before) return route
    }
  }

  get #now(): number {
    return Atomics.load(this.#word, 0)
  }
}
