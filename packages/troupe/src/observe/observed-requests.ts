/** The requests of HTTP clients, over all threads. */
import { type Counts, isEntryId, type RequestCount } from '@troupe/core'
import type { Kernel } from '@troupe/process/kernel'

/** The requests of all threads. A thread names overlays: those that do not exist are `other`. */
export function requestsOf(
  registry: Kernel['registry'],
  all: readonly { readonly counts: Counts }[],
): readonly RequestCount[] {
  const known = (overlay: string | null) =>
    overlay === null || (isEntryId(overlay) && registry.has(overlay)) ? overlay : 'other'
  const sums = new Map<string, RequestCount>()
  for (const { overlay, outcome, count } of all.flatMap(({ counts }) => counts.requests)) {
    const row = { overlay: known(overlay), outcome }
    const key = JSON.stringify(row)
    sums.set(key, { ...row, count: (sums.get(key)?.count ?? 0) + count })
  }
  return [...sums.values()]
}
