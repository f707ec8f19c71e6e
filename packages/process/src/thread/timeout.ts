/** Timeouts in the forms that callers pass. */
import { invalid, parseDuration } from '@troupe/core'

/**
 * Returns the milliseconds of a timeout: a number of them, or a duration such as `5s`.
 *
 * @throws TroupeError `Invalid` for other values and negative numbers.
 */
export function milliseconds(timeout: number | string): number {
  const ms = typeof timeout === 'string' ? parseDuration(timeout) : timeout
  if (typeof ms === 'number' && ms >= 0) return ms
  throw invalid(`${String(timeout)} is not a timeout: expected milliseconds, or a duration such as "5s"`, { timeout })
}
