/** Checks programs against their SHA-256 before they are started, so that only the program that was built is run. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { TroupeError } from '@troupe/core'

/** Returns the SHA-256 of a file, in hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** @throws TroupeError `Invalid`, final, when the checksum differs. */
export async function verify(path: string, expected: string, builder: string): Promise<string> {
  const actual = await sha256(path)
  if (actual === expected) return actual
  throw new TroupeError(
    'Invalid',
    `${path} is not the program that was built: its SHA-256 is ${actual}, and should ` +
      `be ${expected}. Install it again, or build it with "${builder}"`,
    { retryable: false, details: { path, expected, actual } },
  )
}
