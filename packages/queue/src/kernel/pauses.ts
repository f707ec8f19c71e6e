/**
 * How long jobs wait whose overlay does not run. One after another is taken and given back meanwhile: the more there
 * are, the longer each waits, so that they do not occupy the program.
 */
import type { EntryId } from '@troupe/core'

const shortest = 1_000
const longest = 60_000
/** Milliseconds that each job in succession waits longer than the one before. */
const step = 10

export class Pauses {
  readonly #inVain = new Map<EntryId, number>()

  /** Returns the milliseconds that the next job of an overlay waits that does not run. */
  next(overlay: EntryId): number {
    const before = this.#inVain.get(overlay) ?? 0
    this.#inVain.set(overlay, before + 1)
    return Math.min(longest, shortest + before * step)
  }

  /** It runs again. */
  end(overlay: EntryId): void {
    this.#inVain.delete(overlay)
  }
}
