/** The error for a body that is longer than its reader accepts. */
import { invalid, type TroupeError } from '@troupe/core'

export function tooLong(maxResponseBody: number): TroupeError {
  return invalid(`the response's body is longer than ${maxResponseBody} bytes: raise maxResponseBody to accept it`, {
    maxResponseBody,
  })
}
