/** Deadlines on a clock, as abort signals. */
import type { Clock } from '@troupe/core'

/**
 * Returns a signal that aborts after `ms` of `clock`, unless it is disposed before: at once for 0, never for
 * `Infinity`.
 */
export function deadline(clock: Clock, ms: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const abort = () => {
    controller.abort()
  }
  if (ms <= 0) abort()
  const timer = ms <= 0 || ms === Infinity ? undefined : clock.setTimeout(abort, ms)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      if (timer !== undefined) clock.clearTimeout(timer)
    },
  }
}
