/** The body of a request: bytes that can be sent again, or a stream that cannot. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { invalid, TroupeError } from '@troupe/core'
import type { Fields } from '../options.ts'
import { appendFields } from './fields.ts'

export type SentBody = Buffer | Readable | undefined

interface BodyOptions {
  readonly body?: string | Uint8Array | AsyncIterable<unknown, unknown> | undefined
  readonly json?: unknown
  readonly form?: Fields | undefined
}

/**
 * What goes out for `body`, `json` or `form`; sets `content-type` in `headers` where the caller did not.
 *
 * @throws TroupeError `Invalid` when `json` cannot be written as JSON.
 */
export function encodeBody({ body, json, form }: BodyOptions, headers: Headers, where: string): SentBody {
  if (json !== undefined) {
    defaultType(headers, 'application/json')
    return Buffer.from(stringify(json, `${where}.json`))
  }
  if (form !== undefined) {
    defaultType(headers, 'application/x-www-form-urlencoded')
    const encoded = new URLSearchParams()
    appendFields(encoded, form)
    return Buffer.from(encoded.toString())
  }
  if (body === undefined) return undefined
  if (typeof body === 'string') {
    defaultType(headers, 'text/plain;charset=UTF-8')
    return Buffer.from(body)
  }
  return body instanceof Uint8Array ? bytesOf(body) : readInContext(body, `${where}.body`)
}

/** Whether the body can be sent a second time, after a redirect. */
export function isReplayable(body: SentBody): body is Buffer | undefined {
  return !(body instanceof Readable)
}

/** Lets go of a stream that will not be read any further. */
export function releaseBody(body: SentBody): void {
  if (body instanceof Readable) body.destroy()
}

function defaultType(headers: Headers, type: string): void {
  if (!headers.has('content-type')) headers.set('content-type', type)
}

function stringify(value: unknown, path: string): string {
  let reason = 'functions and symbols have no JSON'
  try {
    const text: unknown = JSON.stringify(value)
    if (typeof text === 'string') return text
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error)
  }
  throw invalid(`${path}: cannot be written as JSON: ${reason}`, { path })
}

function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Reads `source` in the async context of whoever made the request. A connection pulls the body from its own context, which
 * may be another caller's: without this, a generator that makes requests of its own would make them in a foreign frame.
 */
async function* readInContextOf(
  iterator: AsyncIterator<unknown, unknown>,
  run: <T>(fn: () => T) => T,
  path: string,
): AsyncGenerator<Buffer> {
  let ended = false
  try {
    for (;;) {
      const { done, value } = await run(async () => iterator.next())
      if (done === true) {
        ended = true
        return
      }
      yield pieceOf(value, path)
    }
  } catch (error) {
    if (!(error instanceof TroupeError)) throw new BodyFailed(error)
    throw error
  } finally {
    if (!ended) await run(async () => iterator.return?.())
  }
}

function readInContext(source: AsyncIterable<unknown, unknown>, path: string): Readable {
  return Readable.from(readInContextOf(source[Symbol.asyncIterator](), AsyncLocalStorage.snapshot(), path), { objectMode: false })
}

function pieceOf(value: unknown, path: string): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return bytesOf(value)
  throw invalid(`${path}: the stream yielded ${value === null ? 'null' : typeof value}: expected text or bytes`, { path })
}

/** What the caller's own stream threw while it was being sent. */
export class BodyFailed extends Error {
  constructor(cause: unknown) {
    super(`the body's stream failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
