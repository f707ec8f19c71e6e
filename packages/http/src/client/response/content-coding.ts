/** Content codings (RFC 9110 §8.4.1) and their decoders. */
import { pipeline, Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import { TroupeError } from '@troupe/core'
import { ZstdFrame, zstdMagicBytes } from './zstd-frame.ts'

export type Coding = 'gzip' | 'br' | 'zstd' | 'deflate'

/**
 * Bytes, before and after, that are decoded in this thread at once: threads and streams would cost more than they save.
 */
export const mostSmall = 16 * 1024
const mostSmallDecoded = 256 * 1024

/** Returns `undefined` for a body that needs the general decoder. */
export function decodeSmall(bytes: Buffer, coding: Coding, maxResponseBody: number): Buffer | undefined {
  try {
    if (coding === 'zstd' && new ZstdFrame().take(bytes) !== bytes.length) return undefined
    const whole = decodersAtOnce[coding](bytes, { maxOutputLength: mostSmallDecoded })
    return whole.length > maxResponseBody ? undefined : whole
  } catch {
    return undefined
  }
}

const decodersAtOnce = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
  deflate: (bytes: Buffer, options: { readonly maxOutputLength: number }) =>
    isZlib(bytes) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options),
} satisfies Record<Coding, (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer>

/** Decodes one coding. A body without a single byte is an empty one, whatever its coding. */
export async function* undone(pieces: AsyncIterable<Uint8Array>, coding: Coding): AsyncGenerator<Uint8Array, void> {
  const iterator = pieces[Symbol.asyncIterator]()
  const rest = new Rest(iterator)
  try {
    do {
      const member = coding === 'zstd' ? rest.frame() : rest.all()
      const { done, value: first } = await member.next()
      if (done !== true) yield* decodedMember(first, member, coding)
    } while (!rest.ended)
  } catch (error) {
    throw error instanceof TroupeError ? error : undecodable(coding, error)
  } finally {
    await iterator.return?.()
  }
}

async function* decodedMember(
  first: Uint8Array,
  more: AsyncIterable<Uint8Array>,
  coding: Coding,
): AsyncGenerator<Uint8Array, void> {
  const decoder: Transform = decoders[coding](first)
  try {
    // The reader of the decoder receives its end and its errors.
    pipeline(Readable.from(resumed(first, more), { objectMode: false }), decoder, () => {})
    for await (const piece of decoder) if (piece instanceof Uint8Array) yield piece
  } finally {
    decoder.destroy()
  }
}

async function* resumed(first: Uint8Array, more: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  yield* more
}

/** The rest of a coded body. */
class Rest {
  ended = false
  readonly #pieces: AsyncIterator<Uint8Array>
  #left: Uint8Array | undefined

  constructor(pieces: AsyncIterator<Uint8Array>) {
    this.#pieces = pieces
  }

  /** Returns the non-empty pieces, to the end. */
  async *all(): AsyncGenerator<Uint8Array, void> {
    for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece
  }

  /** Returns the pieces of the next Zstandard frame; none for a skippable frame, which has no content. */
  async *frame(): AsyncGenerator<Uint8Array, void> {
    const frame = new ZstdFrame()
    for (let piece = await this.#atLeast(zstdMagicBytes); piece !== undefined; piece = await this.#next()) {
      const end = frame.take(piece)
      if (end !== undefined && end < piece.length) this.#left = piece.subarray(end)
      if (!frame.isSkippable) yield piece.subarray(0, end)
      if (end !== undefined) break
    }
    this.#left ??= await this.#next()
  }

  async #atLeast(bytes: number): Promise<Uint8Array | undefined> {
    let piece = await this.#next()
    while (piece !== undefined && piece.length < bytes) {
      const more = await this.#next()
      if (more === undefined) break
      piece = Buffer.concat([piece, more])
    }
    return piece
  }

  async #next(): Promise<Uint8Array | undefined> {
    const left = this.#left
    this.#left = undefined
    if (left !== undefined) return left
    while (!this.ended) {
      const next = await this.#pieces.next()
      if (next.done === true) this.ended = true
      else if (next.value.byteLength > 0) return next.value
    }
    return undefined
  }
}

const decoders = {
  gzip: () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
  deflate: (first) => (isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw()),
} satisfies Record<Coding, (first: Uint8Array) => Transform>

/**
 * `deflate` is zlib's format (RFC 1950), but some servers send the raw format inside it (RFC 1951): the first byte
 * shows which.
 */
function isZlib([first = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8
}

function undecodable(coding: Coding, error: unknown): TroupeError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TroupeError('Unavailable', `the response's body is not valid ${coding}: ${reason}`, {
    retryable: false,
    details: { coding },
    cause: error,
  })
}
