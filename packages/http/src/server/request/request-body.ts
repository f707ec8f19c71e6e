/** The body of a request: its limits, and errors of the client rather than of the handler. */
import { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { startTimer, stopTimer, TroupeError } from '@troupe/core'
import type { Incoming } from './request-call.ts'

/** A request whose body is larger than the service accepts. */
export class BodyTooLarge extends TroupeError {
  constructor(limit: number) {
    super('Invalid', `the body of a request has more than ${limit} bytes`, { details: { limit } })
  }
}

/** A request whose body does not arrive in time. */
export class BodyTooSlow extends TroupeError {
  constructor(milliseconds: number) {
    super('Timeout', `the body of a request did not come in ${milliseconds} ms`)
  }
}

export interface BodyLimits {
  readonly bytes: number
  /** Maximum time for a whole request to arrive; 0 disables the limit. Node enforces it only for HTTP/1.1. */
  readonly milliseconds: number
}

/**
 * Watches a body. Rejects when a body without a declared length exceeds the limit, or when it does not arrive in time,
 * and then also fails its reader. Returns nothing where there is nothing to watch.
 *
 * @throws BodyTooLarge at once, for a body whose declared length exceeds the limit.
 */
export function limitBody(incoming: Incoming, { bytes, milliseconds }: BodyLimits): Promise<never> | undefined {
  const length = incoming.headers['content-length']
  if (length !== undefined && Number(length) > bytes) throw new BodyTooLarge(bytes)
  if (!(incoming instanceof IncomingMessage)) {
    if (incoming.stream.endAfterHeaders) return undefined
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    if (length === undefined) count(incoming, bytes, reject)
    if (milliseconds > 0) time(incoming, milliseconds, reject)
    return promise
  }
  if (length !== undefined || incoming.headers['transfer-encoding'] === undefined) return undefined
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  count(incoming, bytes, reject)
  return promise
}

function count(incoming: Incoming, limit: number, reject: (error: Error) => void): void {
  const push = incoming.push.bind(incoming)
  let size = 0
  // Both kinds of requests pass parsed data to this method. Counting here reads nothing before a reader needs it.
  incoming.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength
    if (size <= limit) return push(chunk, encoding)
    if (chunk instanceof Uint8Array && size - chunk.byteLength <= limit) fail(incoming, new BodyTooLarge(limit), reject)
    // No more is read from the connection.
    return false
  }
}

function time(incoming: Http2ServerRequest, milliseconds: number, reject: (error: Error) => void): void {
  const timer = startTimer(() => {
    const { stream } = incoming
    // A body that has arrived but is not read yet is in time.
    if (!stream.destroyed && stream.state.remoteClose !== 1) fail(incoming, new BodyTooSlow(milliseconds), reject)
  }, milliseconds)
  incoming.once('end', () => stopTimer(timer)).once('close', () => stopTimer(timer))
}

function fail(incoming: Incoming, error: Error, reject: (error: Error) => void): void {
  reject(error)
  incoming.once('error', () => undefined).emit('error', error)
}

const malformed = new WeakSet<object>()
const readers = ['json', 'formData'] as const

/** Returns whether an error means that the body of a request is malformed. */
export function isMalformed(error: unknown): boolean {
  return typeof error === 'object' && error !== null && malformed.has(error)
}

/** From here on, errors that this request throws for a malformed body differ from those of handlers. */
export function noteMalformed(request: Request): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  for (const name of readers) {
    // hono's class has these as properties that cannot be set.
    Object.defineProperty(request, name, { configurable: true, writable: true, value: noting(request, name) })
  }
}

function noting(request: Request, name: (typeof readers)[number]): () => Promise<unknown> {
  const read: unknown = Reflect.get(request, name)
  return async () => {
    try {
      const value: unknown = typeof read === 'function' ? await Reflect.apply(read, request, []) : undefined
      return value
    } catch (error) {
      const isMistake =
        error instanceof SyntaxError ||
        (name === 'formData' && error instanceof TypeError && !/unusable|locked/i.test(error.message))
      if (isMistake) malformed.add(error)
      throw error
    }
  }
}

/** The messages of Node and hono for a request whose connection ends before its body does. */
const words = new Set(['aborted', 'Client connection prematurely closed.'])

/**
 * Returns the error for the log. An incomplete body is not a failure of the service, and clients can cause any number
 * of them.
 */
export function errorForLog(error: unknown, incoming: Incoming): unknown {
  const isLost = incoming.destroyed && !incoming.readableEnded && error instanceof Error && words.has(error.message)
  return isLost
    ? new TroupeError('Canceled', 'the client disconnected before its body arrived', { cause: error })
    : error
}
