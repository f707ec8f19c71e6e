/** Limits on what `withContext` puts into a frame: it travels with every call, spawn and first message beneath. */
import { invalid, weigh } from '@troupe/core'

/** Most values of a frame. */
const maxValues = 64
/** Most weight of a frame's values together (`weigh` of `@troupe/core`). */
const maxValuesWeight = 16 * 1024

/** @throws TroupeError `Invalid`, naming the value that is too much. */
export function checkValues(values: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(values)
  if (names.length === 0) return
  if (names.length > maxValues) {
    throw invalid(`a frame holds at most ${maxValues} values: "${names[maxValues]}" is one too many`, { path: names[maxValues] })
  }
  let weight = 0
  for (const name of names) {
    weight += name.length + weigh(values[name], maxValuesWeight - weight)
    if (weight > maxValuesWeight) {
      const reason = `the values of a frame weigh at most ${maxValuesWeight} bytes together, and hold no shared memory`
      throw invalid(`${reason}: "${name}" is too much. Pass large data as arguments or messages`, { path: name, limit: maxValuesWeight })
    }
  }
}
