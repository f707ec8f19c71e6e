/** Limits the size of a request's body, and the time for it to arrive. */
import { startTimer, stopTimer } from '@troupe/core'
import { Http2ServerRequest } from 'node:http2'
import type { Incoming } from './bindings.ts'
import { BodyTooLarge, BodyTooSlow } from './problem.ts'

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
  if (incoming instanceof Http2ServerRequest) {
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
