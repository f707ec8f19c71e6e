/** Bytes that code sends without waiting until they are taken. */
import { TroupeError } from '@troupe/core'

/** Bytes that may wait in a thread because their receivers do not read. */
export const mostWaiting = 256 << 20

/** The error of code that sends on regardless; it ends. @param waiting - Bytes that wait. */
export function overrun(waiting: number, receiver: string): TroupeError {
  return new TroupeError(
    'Unavailable',
    `it sent more to ${receiver} than is read there, and did not wait: ${waiting >> 20} MiB wait. ` +
      'Await each send or call before the next one',
    { retryable: false },
  )
}
