import { setTimeout } from 'node:timers/promises'

/** Resolves with a number once it no longer changes. The absence of change has no event. */
export async function still(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; before = read()) {
    if (before === read()) return before
    await setTimeout(100)
  }
}
