/** The time that supervision goes by. Tests put one in its place that they move by hand. */

export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  setTimeout(then: () => void, ms: number): number
  clearTimeout(timer: number): void
}

/** Beyond this Node fires at once. */
const longest = 0x7fffffff

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (then, ms) => setTimeout(then, Math.min(ms, longest))[Symbol.toPrimitive](),
  clearTimeout: (timer) => {
    clearTimeout(timer)
  },
}

/** A signal that aborts after `ms` of `clock`, unless it is disposed of before: at once for 0, never for `Infinity`. */
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
