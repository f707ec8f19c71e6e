/**
 * Decodes the content codings of a response's body (RFC 9110 §8.4), within limits, because few bytes can expand to
 * gigabytes.
 */
import { invalid, TroupeError } from '@troupe/core'
import type { ResponseHeaders } from './headers.ts'
import { type Coding, decodeSmall, mostSmall, undone } from './content-coding.ts'
import type { ResponseBody, Exchange } from './exchange.ts'
import { tooLong } from '../body/too-long.ts'

/** The codings that requests accept, in the order of preference. */
export const acceptedCodings = 'gzip, br, zstd, deflate'

/** Servers apply one; the limit is that of undici's fetch. */
const mostCodings = 5
/** Bytes that any body may expand to. */
const freeBytes = 16 * 1024 * 1024
/** Beyond `freeBytes`, one received byte may expand to this many: text and program data stay far below. */
const mostRatio = 250

const aliases = new Map<string, Coding>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['deflate', 'deflate'],
])

export interface DecodeOptions {
  /** Bytes, decoded. */
  readonly maxResponseBody: number
  /** Creates the error of a body that cannot be decoded. */
  readonly failure: (thrown: unknown) => TroupeError
}

/** The parts of a response. */
export type Decoded = Pick<Exchange, 'status' | 'statusText' | 'fields' | 'body'>

/** Returns whether {@link decode} returns the same response. */
export function isPlain({ status, fields, body }: Decoded): boolean {
  return body === null || status === 206 || fields['content-encoding'] === undefined
}

/**
 * Returns the response without its codings, and without `content-encoding` and `content-length`, which describe the
 * coded body. Three responses stay unchanged: one without a body, a part of one (206), and one with an unknown coding.
 * A body that cannot be decoded fails while it is read.
 *
 * @throws TroupeError `Unavailable` for more than five codings.
 */
export async function decode(exchange: Decoded, options: DecodeOptions): Promise<Decoded> {
  const { status, statusText, fields, body } = exchange
  if (body === null || isPlain(exchange)) return exchange
  const codings = codingsOf(fields)
  if (codings === undefined || codings.length === 0) return exchange
  if (codings.length > mostCodings) {
    throw new TroupeError(
      'Unavailable',
      `the response's body has ${codings.length} codings: at most ${mostCodings} are decoded`,
      {
        retryable: false,
      },
    )
  }
  const { 'content-encoding': _coding, 'content-length': _length, ...rest } = fields
  return { status, statusText, fields: rest, body: await decodedBody(body, codings, options) }
}

/** Returns the codings in the order in which they were applied; `undefined` where one is unknown. */
function codingsOf(fields: ResponseHeaders): readonly Coding[] | undefined {
  const names = [fields['content-encoding'] ?? []].flat().join(',').toLowerCase().split(',')
  const codings: Coding[] = []
  for (const name of names.map((each) => each.trim())) {
    if (name === '' || name === 'identity') continue
    const coding = aliases.get(name)
    if (coding === undefined) return undefined
    codings.push(coding)
  }
  return codings
}

async function decodedBody(
  body: Buffer | ReadableStream<Uint8Array>,
  codings: readonly Coding[],
  options: DecodeOptions,
): Promise<ResponseBody> {
  if (!Buffer.isBuffer(body)) return streamOf(decoded(body, codings, options), options)
  if (body.length === 0) return body
  const [only] = codings
  if (only !== undefined && codings.length === 1 && body.length <= mostSmall) {
    const whole = decodeSmall(body, only, options.maxResponseBody)
    if (whole !== undefined) return whole
  }
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of decoded(once(body), codings, options)) pieces.push(piece)
    return Buffer.concat(pieces)
  } catch (error) {
    // As with a body that arrives in pieces: the head of the response is there, its body fails.
    return failed(error, options)
  }
}

/** Decodes all codings, the last one first. */
async function* decoded(
  body: AsyncIterable<Uint8Array>,
  codings: readonly Coding[],
  { maxResponseBody }: DecodeOptions,
): AsyncGenerator<Uint8Array, void> {
  let came = 0
  let pieces: AsyncIterable<Uint8Array> = counted(body, (bytes) => {
    came = bytes
  })
  for (const coding of codings.toReversed()) {
    pieces = counted(undone(pieces, coding), (bytes) => {
      if (bytes > freeBytes && bytes > came * mostRatio) throw bomb(coding)
    })
  }
  yield* counted(pieces, (bytes) => {
    if (bytes > maxResponseBody) throw tooLong(maxResponseBody)
  })
}

/** Reports how many bytes have arrived so far, before each piece is passed on. */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  for await (const piece of pieces) {
    tell((bytes += piece.byteLength))
    yield piece
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function streamOf(pieces: AsyncGenerator<Uint8Array, void>, { failure }: DecodeOptions): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(stream) {
        try {
          const { done, value } = await pieces.next()
          if (done === true) stream.close()
          else stream.enqueue(new Uint8Array(value))
        } catch (error) {
          stream.error(isFailure(error) ? error : failure(error))
        }
      },
      async cancel() {
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )
}

function failed(error: unknown, { failure }: DecodeOptions): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start: (stream) => stream.error(failure(error)) })
}

/** Returns whether the error already names the failed request: it comes from the underlying body. */
function isFailure(error: unknown): boolean {
  return error instanceof TroupeError && 'url' in error.details
}

function bomb(coding: Coding): TroupeError {
  return invalid(
    `the response's body (${coding}) expands to more than ${mostRatio} ` +
      'times its size: use decompress: false to receive it undecoded',
    { coding },
  )
}
