/** Timeouts as callers give them. */
import { invalid, parseDuration } from '@troupe/core'

/** Longer timers would end at once (Node, `setTimeout`). Some 25 days. */
export const longestTimer = 0x7fffffff

/**
 * Milliseconds of a timeout: a number of them, or a duration such as `5s`.
 *
 * @throws TroupeError `Invalid` for what is neither, or less than nothing.
 */
export function milliseconds(timeout: number | string): number {
  const ms = typeof timeout === 'string' ? parseDuration(timeout) : timeout
  if (typeof ms === 'number' && ms >= 0) return ms
  throw invalid(`${String(timeout)} is not a timeout: expected milliseconds, or a duration such as "5s"`, { timeout })
}

/** Waits for `promise`, but no longer than that. */
export async function within(ms: number, promise: Promise<unknown> | undefined): Promise<void> {
  if (promise === undefined) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([promise, late])
  clearTimeout(timer)
}
