/** Values in the form in which jobs are kept. */
import { deserialize, serialize } from 'node:v8'
import { invalid } from '@troupe/core'
import { checkEncodable } from '@troupe/process/kernel'

/** Maximum number of bytes of a payload, of a result and of what is reported as progress. */
const mostBytes = 8 << 20

/** @throws TroupeError `Invalid`, with the path, for what is no plain data or too large. */
export function keptValue(value: unknown, path: string): Uint8Array {
  checkEncodable(value, path)
  const bytes = serialize(value)
  checkSize(bytes, path)
  return bytes
}

/** @throws TroupeError `Invalid`, with the path. */
export function checkSize({ byteLength }: Uint8Array, path: string): void {
  if (byteLength > mostBytes)
    throw invalid(
      `${path}: it has ${byteLength} bytes, and a queue keeps at most ${mostBytes}: store it elsewhere, and send where`,
      { path },
    )
}

/** Returns `undefined` for a damaged one: that must not hide the other jobs of a list. */
export function readValue(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined
  try {
    const value: unknown = deserialize(bytes)
    return value
  } catch {
    return undefined
  }
}
