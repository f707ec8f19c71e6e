/** Waits for promises no longer than a time limit and a signal allow. */
import { startDeadline, stopTimer } from './timers.ts'

/** What ends a wait: a time limit, an abort signal, or both. */
export interface Bounds {
  /** Milliseconds. @default no limit */
  readonly ms?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Settles like `promise`, unless the time limit passes or the signal aborts first.
 *
 * @param giveUp Called at that moment; the wait rejects with its return value. A later result of `promise` is ignored.
 */
export async function bounded<T>(
  promise: Promise<T>,
  { ms, signal }: Bounds,
  giveUp: (why: 'late' | 'aborted') => Error,
): Promise<T> {
  if (ms === undefined && signal === undefined) return promise
  const { promise: out, reject } = Promise.withResolvers<never>()
  const onAbort = () => {
    reject(giveUp('aborted'))
  }
  const onLate = () => {
    reject(giveUp('late'))
  }
  const timer = ms === undefined ? undefined : startDeadline(onLate, ms)
  if (signal?.aborted === true) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, out])
  } finally {
    stopTimer(timer)
    signal?.removeEventListener('abort', onAbort)
    promise.catch(() => undefined)
  }
}

/** Settles like `promise`, or rejects with the error of `late` when that takes longer than `ms` milliseconds. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return bounded(promise, { ms }, late)
}

/** Waits until `promise` is fulfilled, but at most `ms` milliseconds. Rejects if `promise` rejects before that. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  using _timer = startDeadline(resolve, ms)
  await Promise.race([promise, late])
}
