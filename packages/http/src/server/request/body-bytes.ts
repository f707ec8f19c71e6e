/** The pieces of a body's stream, which comes from code that may put any value into it. */
import { TroupeError } from '@troupe/core'

/** Returns the bytes of a piece. @throws TroupeError `Internal` for a value that is neither bytes nor text. */
export function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return Buffer.from(chunk)
  throw new TroupeError('Internal', `the stream of a body contains a ${typeof chunk}, expected a Uint8Array`)
}
