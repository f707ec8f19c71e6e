/** Waits no longer than a signal and a deadline allow. */
import { TroupeError } from '@troupe/core'

export interface Bounds {
  /** What is waited for, for errors. */
  readonly what: string
  readonly signal: AbortSignal | undefined
  /** Unix time in milliseconds. */
  readonly deadline: number | undefined
}

/** The error of a call that its caller's signal cancelled. */
export function cancelled(what: string, signal: AbortSignal | undefined): TroupeError {
  return new TroupeError('Canceled', `${what} was cancelled by its caller`, { cause: signal?.reason })
}

/** The longest that a timer can wait. */
const maxDelay = 0x7fffffff

/**
 * What `work` settles to, unless the signal aborts or the deadline passes before: then it rejects at once, after `giveUp`.
 *
 * @throws TroupeError `Canceled` with the signal's reason as its cause, `Timeout`.
 */
export async function bounded<T>(work: Promise<T>, bounds: Bounds, giveUp: (reason: TroupeError) => void): Promise<T> {
  const { what, signal, deadline } = bounds
  if (signal === undefined && deadline === undefined) return work
  const { promise: out, reject } = Promise.withResolvers<never>()
  const end = (reason: TroupeError) => {
    giveUp(reason)
    reject(reason)
  }
  const onAbort = () => {
    end(cancelled(what, signal))
  }
  const late = () => {
    end(new TroupeError('Timeout', `${what} did not answer by its deadline`))
  }
  const timer = deadline === undefined ? undefined : setTimeout(late, Math.min(Math.max(0, deadline - Date.now()), maxDelay))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, out])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}
