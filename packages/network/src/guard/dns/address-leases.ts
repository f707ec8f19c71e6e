/** Leases of the addresses that stand for names: blocks of 198.18.0.0/15, each leased to one thread at a time. */
import { invalid, TroupeError } from '@troupe/core'

/** Addresses in a block. */
export const blockSize = 64
/** Maximum number of blocks for one thread: 16,384 names. */
export const mostBlocks = 256
/** All blocks, of which the first is never leased. */
export const blockCount = 2 ** 17 / blockSize

/**
 * The kernel's side. A returned block is leased again after all others, so an address stays unknown for a long time
 * before it stands for another name. Block 0 is never leased: its first address stands for no name.
 */
export class AddressLeases {
  readonly #free = Array.from({ length: blockCount - 1 }, (_, at) => at + 1)
  readonly #held = new Map<number, Set<number>>()

  /**
   * Leases a block to the thread `holder`.
   *
   * @param back - The block that the thread returns in exchange.
   * @throws TroupeError `RateLimited` when the thread holds too many, or none is free; `Invalid` for a block that it
   *   does not hold.
   */
  lease(holder: number, back?: number): number {
    const held = this.#held.get(holder) ?? new Set()
    if (back !== undefined) {
      if (!held.delete(back))
        throw invalid(`thread ${holder} does not hold block ${back} of addresses`, { block: back })
      this.#free.push(back)
    }
    const block = held.size < mostBlocks ? this.#free.shift() : undefined
    if (block === undefined) {
      throw new TroupeError(
        'RateLimited',
        'no free address can stand for a name: connect by name, without a look-up first',
        {
          details: { thread: holder, blocks: held.size },
        },
      )
    }
    this.#held.set(holder, held.add(block))
    return block
  }

  /** Whether an address is in a block that a thread holds. */
  isLeased(number: number): boolean {
    const block = Math.floor(number / blockSize)
    for (const held of this.#held.values()) if (held.has(block)) return true
    return false
  }

  /** Releases all blocks of a thread. */
  release(holder: number): void {
    this.#free.push(...(this.#held.get(holder) ?? []))
    this.#held.delete(holder)
  }
}
