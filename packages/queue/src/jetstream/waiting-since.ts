/** Since when the oldest job waits that may run; those behind another one of their key do not count. */
import type { QueueIndex } from './queue-index.ts'

/** @param date - Milliseconds since 1970. */
export function waitingSince(index: QueueIndex, date: number): number | undefined {
  let since: number | undefined
  for (const { record, line, token } of index.all) {
    const { state, due, published } = record
    if (state !== 'ready' || due > date || (line !== undefined && line.candidate?.token !== token)) continue
    since = Math.min(since ?? Infinity, Math.max(due, published))
  }
  return since
}
