/** How deep calls may be nested. */
import { type EntryId, invalid } from '@troupe/core'

/** Calls beneath one another; beyond, it is taken for a recursion without end. */
const maxDepth = 1000

/** @param depth - calls that the new one is beneath. @throws TroupeError `Invalid` */
export function checkDepth(entry: EntryId, depth: number): void {
  if (depth < maxDepth) return
  throw invalid(`${entry}: calls are nested ${maxDepth} deep, which looks like a recursion without end`, { entry, depth })
}
