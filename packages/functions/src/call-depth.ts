/** Limits how deep calls may be nested. */
import { type EntryId, invalid } from '@troupe/core'

/** Maximum number of nested calls. A deeper chain is treated as an infinite recursion. */
const maxDepth = 1000

/**
 * @param depth - Number of calls that enclose the new one.
 * @throws TroupeError `Invalid`
 */
export function checkDepth(entry: EntryId, depth: number): void {
  if (depth < maxDepth) return
  throw invalid(`${entry}: calls are nested ${maxDepth} deep, which looks like a recursion without end`, {
    entry,
    depth,
  })
}
