/** Bounds what a request may bring along. */
import { Http2ServerRequest } from 'node:http2'
import type { Incoming } from './environment.ts'
import { BodyTooLarge } from './failure.ts'

/**
 * Watches a body whose length was not told: rejects when it grows beyond `limit`, and ends whoever reads it. Answers nothing where there is
 * nothing to watch.
 *
 * @throws BodyTooLarge at once, for a body that says that it is.
 */
export function limitBody(incoming: Incoming, limit: number): Promise<never> | undefined {
  const length = incoming.headers['content-length']
  if (length !== undefined) {
    if (Number(length) > limit) throw new BodyTooLarge(limit)
    return undefined
  }
  const isOpen = incoming instanceof Http2ServerRequest ? !incoming.complete : incoming.headers['transfer-encoding'] !== undefined
  return isOpen ? counted(incoming, limit) : undefined
}

function counted(incoming: Incoming, limit: number): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const push = incoming.push.bind(incoming)
  let size = 0
  // By this method both kinds of requests take in what the parser found: counted here, nothing is read before somebody wants it.
  incoming.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength
    if (size <= limit) return push(chunk, encoding)
    if (chunk instanceof Uint8Array && size - chunk.byteLength <= limit) {
      const error = new BodyTooLarge(limit)
      reject(error)
      incoming.once('error', () => undefined).emit('error', error)
    }
    // No more is read of the connection.
    return false
  }
  promise.catch(() => undefined)
  return promise
}
