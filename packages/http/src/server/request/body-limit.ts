/** Bounds what a request may bring along, and how long it may take to. */
import { startTimer, stopTimer } from '@troupe/core'
import { Http2ServerRequest } from 'node:http2'
import type { Incoming } from './bindings.ts'
import { BodyTooLarge, BodyTooSlow } from './problem.ts'

export interface BodyLimits {
  readonly bytes: number
  /** For a whole request to come in; 0 for ever. Node sees to it for HTTP/1.1 alone. */
  readonly milliseconds: number
}

/**
 * Watches a body: rejects when one whose length was not told grows beyond the limit, or when it does not come in time, and ends whoever reads
 * it. Returns nothing where there is nothing to watch.
 *
 * @throws BodyTooLarge at once, for a body that says that it is.
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
  // By this method both kinds of requests take in what the parser found: counted here, nothing is read before somebody wants it.
  incoming.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength
    if (size <= limit) return push(chunk, encoding)
    if (chunk instanceof Uint8Array && size - chunk.byteLength <= limit) fail(incoming, new BodyTooLarge(limit), reject)
    // No more is read of the connection.
    return false
  }
}

function time(incoming: Http2ServerRequest, milliseconds: number, reject: (error: Error) => void): void {
  const timer = startTimer(() => {
    const { stream } = incoming
    // What has come and is not read yet is in time.
    if (!stream.destroyed && stream.state.remoteClose !== 1) fail(incoming, new BodyTooSlow(milliseconds), reject)
  }, milliseconds)
  incoming.once('end', () => stopTimer(timer)).once('close', () => stopTimer(timer))
}

function fail(incoming: Incoming, error: Error, reject: (error: Error) => void): void {
  reject(error)
  incoming.once('error', () => undefined).emit('error', error)
}
