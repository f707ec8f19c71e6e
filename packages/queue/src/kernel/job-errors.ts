/** The errors of jobs, as they are kept and logged. */
import type { TroupeError } from '@troupe/core'
import type { JobError } from '../driver/driver.ts'

const longestCode = 64
/** Characters of the message of an error. */
const longestMessage = 4_096

export function jobError(error: TroupeError, attempt: number, at: number): JobError {
  const { kind, details } = error
  const { code } = details
  return {
    attempt,
    at,
    kind,
    message: brief(error),
    ...(typeof code === 'string' && code.length <= longestCode && { code }),
  }
}

/** Another attempt would fail in the same way. */
export function isFinal({ final, kind }: TroupeError): boolean {
  return final || kind === 'Invalid' || kind === 'PermissionDenied'
}

export function brief({ message }: TroupeError): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage).toWellFormed()} …`
}
