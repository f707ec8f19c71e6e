/**
 * Limits on the values that `withContext` puts into a frame. The frame travels with every call, spawn and first message
 * that follows from it.
 */
import { invalid, weigh } from '@troupe/core'

/** Maximum number of values in a frame. */
const maxValues = 64
/** Maximum total weight of a frame's values (`weigh` of `@troupe/core`). */
const maxValuesWeight = 16 * 1024

/** @throws TroupeError `Invalid`, naming the value that exceeds a limit. */
export function checkValues(values: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(values)
  if (names.length === 0) return
  if (names.length > maxValues) {
    throw invalid(`a frame holds at most ${maxValues} values: "${names[maxValues]}" is one too many`, {
      path: names[maxValues],
    })
  }
  let weight = 0
  for (const name of names) {
    weight += name.length + weigh(values[name], maxValuesWeight - weight)
    if (weight > maxValuesWeight) {
      const reason = `the values of a frame weigh at most ${maxValuesWeight} bytes together, and hold no shared memory`
      throw invalid(`${reason}: "${name}" is too much. Pass large data as arguments or messages`, {
        path: name,
        limit: maxValuesWeight,
      })
    }
  }
}
