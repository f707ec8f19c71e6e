/** Errors for threads and operating-system processes that end by themselves. */
import { TroupeError } from '@troupe/core'

/** The error for a thread that ended by itself. */
export function threadFailure(code: number, error: Error | undefined): TroupeError {
  if (error === undefined) return exitFailure(code)
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new TroupeError('Internal', 'it ran out of heap', { details: { code: error.code }, cause: error })
  }
  return new TroupeError('Internal', `its thread failed: ${error.message}`, { cause: error })
}

/** The error for code that called `process.exit`. */
export function exitFailure(code: number): TroupeError {
  return new TroupeError('Unknown', exitWords(code), { details: { code } })
}

/** Returns the exit code of a thread that called `process.exit`, from the error that {@link threadFailure} created. */
export function exitCodeOf({ message, details }: TroupeError): number | undefined {
  const { code } = details
  return typeof code === 'number' && message === exitWords(code) ? code : undefined
}

function exitWords(code: number): string {
  return `it called process.exit(${code})`
}
