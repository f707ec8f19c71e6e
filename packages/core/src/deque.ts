/** A first-in-first-out queue on a ring buffer that grows by doubling: no shifting, and no garbage per item. */

/** A longer ring is discarded once it is empty. */
const keptRing = 1024

/** A first-in-first-out queue. */
export class Deque<T extends object> {
  #ring: (T | undefined)[] = []
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The item that {@link shift} would take. */
  get first(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head]
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item
    this.#size += 1
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size -= 1
    if (this.#size === 0 && this.#ring.length > keptRing) this.#reset()
    return item
  }

  /** Removes the first item that `wanted` accepts; the others keep their order. */
  take(wanted: (item: T) => boolean): T | undefined {
    const mask = this.#ring.length - 1
    for (let i = 0; i < this.#size; i += 1) {
      const item = this.#ring[(this.#head + i) & mask]
      if (item === undefined || !wanted(item)) continue
      for (let j = i; j > 0; j -= 1) this.#ring[(this.#head + j) & mask] = this.#ring[(this.#head + j - 1) & mask]
      this.shift()
      return item
    }
    return undefined
  }

  /** Empties the queue and returns its items, in order. */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    return items
  }

  #reset(): void {
    this.#ring = []
    this.#head = 0
  }

  #grow(): void {
    const mask = this.#ring.length - 1
    const next: (T | undefined)[] = Array.from({ length: Math.max(8, this.#ring.length * 2) })
    for (let i = 0; i < this.#size; i += 1) next[i] = this.#ring[(this.#head + i) & mask]
    this.#ring = next
    this.#head = 0
  }
}
