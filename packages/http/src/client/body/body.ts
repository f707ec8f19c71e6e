/** The body of a request: bytes in memory, or a source that is read while it is sent. */
import type { Readable } from 'node:stream'
import { invalid } from '@troupe/core'
import type { Fields } from '../../options.ts'
import { appendFields, type HeaderList } from '../request/header-list.ts'
import { type FileGiven, type Multipart, multipart, multipartOf } from './multipart.ts'
import { type Given, type Source, sourceOf } from './source.ts'
import { readInContext } from './read-in-context.ts'

export type SentBody = Buffer | StreamedBody | undefined

/** A body that is read while it is sent. */
export interface StreamedBody {
  /** Whether it can be sent again. */
  readonly replayable: boolean
  /** Returns the length in bytes, where it is known; called before each sending. */
  length(): Promise<number | undefined>
  /**
   * Begins to read at the first byte. Calls `taken` with the number of bytes of each piece that the connection accepts.
   */
  open(taken?: (bytes: number) => void): Readable
  /** Releases what will not be read further. */
  release(): void
}

export interface BodyOptions {
  readonly body?: Given | FormData | URLSearchParams | undefined
  readonly json?: unknown
  readonly form?: Fields | undefined
  readonly files?: readonly FileGiven[] | undefined
}

/**
 * Encodes `body`, `json`, `form` or `files`; sets `content-type` in `headers` where the caller did not.
 *
 * @throws TroupeError `Invalid` when `json` cannot be written as JSON.
 */
export function encodeBody({ body, json, form, files }: BodyOptions, headers: HeaderList, where: string): SentBody {
  if (files !== undefined) return multipartBody(multipart(form, files, where), headers)
  if (body instanceof FormData) return multipartBody(multipartOf(body, `${where}.body`), headers)
  if (json !== undefined) {
    defaultType(headers, 'application/json')
    return Buffer.from(stringify(json, `${where}.json`))
  }
  if (form !== undefined) {
    const encoded = new URLSearchParams()
    appendFields(encoded, form)
    return urlEncoded(encoded, headers, 'application/x-www-form-urlencoded')
  }
  if (body === undefined) return undefined
  if (body instanceof URLSearchParams)
    return urlEncoded(body, headers, 'application/x-www-form-urlencoded;charset=UTF-8')
  if (typeof body === 'string') {
    defaultType(headers, 'text/plain;charset=UTF-8')
    return Buffer.from(body)
  }
  if (body instanceof Uint8Array) return bytesOf(body)
  if (body instanceof Blob && body.type !== '') defaultType(headers, body.type)
  return streamed(sourceOf(body, undefined, `${where}.body`))
}

/** Returns whether the body can be sent a second time, after a redirect or a failure. */
export function isReplayable(body: SentBody): boolean {
  return body === undefined || Buffer.isBuffer(body) || body.replayable
}

/** Releases a stream that will not be read further. */
export function releaseBody(body: SentBody): void {
  if (body !== undefined && !Buffer.isBuffer(body)) body.release()
}

/** Sends the same bytes piece by piece, so that progress can be reported. */
export function inPieces(bytes: Buffer): StreamedBody {
  return streamed(sourceOf(bytes, undefined, 'body'))
}

function multipartBody({ boundary, source }: Multipart, headers: HeaderList): StreamedBody {
  // Another boundary than the one in the body would make the body unreadable.
  headers.set('content-type', `multipart/form-data; boundary=${boundary}`)
  return streamed(source)
}

function urlEncoded(fields: URLSearchParams, headers: HeaderList, type: string): Buffer {
  defaultType(headers, type)
  return Buffer.from(fields.toString())
}

function streamed(source: Source): StreamedBody {
  return { replayable: source.replayable, length: async () => source.length(), ...readInContext(source) }
}

function defaultType(headers: HeaderList, type: string): void {
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
