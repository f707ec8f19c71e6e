/** Waits for promises no longer than a time and a signal allow. */
import { startDeadline, stopTimer } from './timers.ts'

export interface Bounds {
  /** Milliseconds. @default as long as it takes */
  readonly ms?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What `promise` settles to, unless the time is over or the signal aborts before.
 *
 * @param giveUp Called at that moment; what it returns is thrown. What `promise` does after that is of no interest any more.
 */
export async function bounded<T>(promise: Promise<T>, { ms, signal }: Bounds, giveUp: (why: 'late' | 'aborted') => Error): Promise<T> {
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

/** What `promise` settles to, or the error of `late` when that takes longer than `ms` milliseconds. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return bounded(promise, { ms }, late)
}

/** Waits until `promise` is fulfilled, but no longer than `ms` milliseconds. Rejects if it does before. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  using _timer = startDeadline(resolve, ms)
  await Promise.race([promise, late])
}
