/** The body of a stream of the HTTP benchmark. */
const chunk = new Uint8Array(64 << 10)

/** Yields pieces of 64 KiB, `bytes` in all. */
export function* zeros(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk
}
