/** Bounds the wait for a call by a signal and a deadline. */
import { bounded, TroupeError } from '@troupe/core'

export interface CallBounds {
  /** Name of the call, for errors. */
  readonly what: string
  readonly signal: AbortSignal | undefined
  /** Unix time in milliseconds. */
  readonly deadline: number | undefined
}

/** Returns the error of a call that its caller's signal cancelled. */
export function cancelled(what: string, signal: AbortSignal | undefined): TroupeError {
  return new TroupeError('Canceled', `${what} was cancelled by its caller`, { cause: signal?.reason })
}

/**
 * Waits for `work` until the signal aborts or the deadline passes. In either of these cases it calls `giveUp` and
 * rejects at once.
 *
 * @throws TroupeError `Canceled` with the signal's reason as its cause, `Timeout`.
 */
export async function boundedCall<T>(
  work: Promise<T>,
  bounds: CallBounds,
  giveUp: (reason: TroupeError) => void,
): Promise<T> {
  const { what, signal, deadline } = bounds
  return bounded(work, { ms: deadline === undefined ? undefined : deadline - Date.now(), signal }, (why) => {
    const reason =
      why === 'late' ? new TroupeError('Timeout', `${what} did not return by its deadline`) : cancelled(what, signal)
    giveUp(reason)
    return reason
  })
}
