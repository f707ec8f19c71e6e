/** Random numbers that a text decides, so that a run can be repeated. */
import { createHash } from 'node:crypto'

/** Returns a function that returns numbers from 0 to 1. */
export function random(seed: string): () => number {
  let drawn = 0
  return () => {
    drawn += 1
    return createHash('sha256').update(`${seed} ${drawn}`).digest().readUInt32BE() / 2 ** 32
  }
}
