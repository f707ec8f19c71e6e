import { setTimeout } from 'node:timers/promises'

/** What a number is once it does not change any more. That nothing happens has no event. */
export async function still(read: () => number): Promise<number> {
  for (let before = Number.NaN; ; before = read()) {
    if (before === read()) return before
    await setTimeout(100)
  }
}
