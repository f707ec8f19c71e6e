/** Sends responses: a whole body at once, any other as it arrives, and as fast as the client reads it. */
import { ServerResponse } from 'node:http'
import { runInSlot, type Slot, TroupeError, startTimer, stopTimer } from '@troupe/core'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { waits } from './unsent-bodies.ts'
import { bytesOf } from './body-bytes.ts'
import { discard } from './discard.ts'
import { type Head, hasNoContent, headOf, sentWhole, wholeOf } from './response-parts.ts'
import { breakOff, Http1Outgoing, isOver, type Outgoing, pendingBytes } from './outgoing.ts'

export interface Sending {
  readonly outgoing: Outgoing
  readonly isHead: boolean
  /** The slot of the code that made the body: the body is read under this identity. */
  readonly slot: Slot
  /** Milliseconds in which a client must read some of the response; 0 disables the limit. */
  readonly patience: number
  /** Called when a response was broken off, or cut off. */
  readonly onFailed: (error: unknown) => void
}

/** Bytes that are written at once. */
const pieceSize = 64 * 1024

/**
 * Sends a response. When it is finished, returns the value that signals this to hono.
 *
 * @throws TroupeError `Internal`, before anything is written, for a response that cannot be sent.
 */
export function send(response: Response, sending: Sending): Response | Promise<Response> {
  const { outgoing, isHead } = sending
  if (isOver(outgoing)) {
    discard(response, 'the client disconnected')
    return RESPONSE_ALREADY_SENT
  }
  const whole = wholeOf(response)
  const head = whole === undefined ? headOf(response.status, response.headers) : headOf(whole.status, whole.fields)
  const isEmpty = isHead || hasNoContent(head.status)
  if (whole !== undefined && (isEmpty || whole.body === null || whole.body.length <= pieceSize)) {
    sendWhole(head, whole.body, sending, isEmpty)
    return outgoing instanceof Http1Outgoing ? sentWhole() : RESPONSE_ALREADY_SENT
  }
  if (isEmpty) {
    discard(response, 'this response has no content')
    sendWhole(head, null, sending, true)
    return RESPONSE_ALREADY_SENT
  }
  return sendStream(head, whole?.body ?? response, sending)
}

function sendWhole(
  { status, fields, length }: Head,
  body: string | Uint8Array | null,
  sending: Sending,
  isEmpty: boolean,
): void {
  const { outgoing, patience, onFailed } = sending
  if (isEmpty) {
    const size = length ?? (body === null ? undefined : Buffer.byteLength(body))
    if (size !== undefined && status !== 204 && status !== 205) fields['content-length'] = String(size)
    writeHead(outgoing, status, fields)
    outgoing.end()
    return
  }
  const size = body === null ? 0 : Buffer.byteLength(body)
  if (length !== undefined && length > size) throw mismatch(length, size)
  fields['content-length'] = String(length ?? size)
  writeHead(outgoing, status, fields)
  if (length !== undefined && length < size) {
    outgoing.end(Buffer.from(body ?? '').subarray(0, length))
    onFailed(mismatch(length, size))
  } else if (body === null) outgoing.end()
  else outgoing.end(body)
  cutOffWhenStuck(outgoing, patience)
}

async function sendStream(head: Head, source: Response | string | Uint8Array, sending: Sending): Promise<Response> {
  const { outgoing, slot, onFailed } = sending
  try {
    await runInSlot(slot, async () =>
      pump(head, source instanceof Response ? streamOf(source) : piecesOf(source, head, outgoing), sending),
    )
  } catch (error) {
    // Nothing has been sent yet: the caller can still respond with an error.
    if (!outgoing.headersSent && !isOver(outgoing)) throw error
    // The status has been sent: the client can only see that the response is incomplete.
    breakOff(outgoing)
    onFailed(error)
  }
  return RESPONSE_ALREADY_SENT
}

function streamOf(response: Response): ReadableStreamDefaultReader<unknown> | undefined {
  const body: ReadableStream<unknown> | null = response.body
  return body?.getReader()
}

/** Sends a long body in pieces, so that a client that reads slowly differs from one that reads nothing. */
function piecesOf(body: string | Uint8Array, head: Head, outgoing: Outgoing): ReadableStreamDefaultReader<unknown> {
  if (head.length === undefined) head.fields['content-length'] = String(Buffer.byteLength(body))
  const { length } = body
  let at = 0
  const stream = new ReadableStream<unknown>(
    {
      pull(controller) {
        waits(outgoing, length - at)
        if (at >= length) controller.close()
        else {
          const end = endOfPiece(body, at)
          controller.enqueue(typeof body === 'string' ? body.slice(at, end) : body.subarray(at, end))
          at = end
        }
      },
      cancel() {
        waits(outgoing, 0)
      },
    },
    { highWaterMark: 0 },
  )
  return stream.getReader()
}

/** Returns the end of a piece, never between the halves of a character. */
function endOfPiece(body: string | Uint8Array, at: number): number {
  const end = Math.min(at + pieceSize, body.length)
  if (typeof body !== 'string' || end === body.length) return end
  const last = body.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}

async function pump(
  head: Head,
  reader: ReadableStreamDefaultReader<unknown> | undefined,
  sending: Sending,
): Promise<void> {
  const { outgoing, patience } = sending
  const { status, fields, length } = head
  if (length !== undefined) fields['content-length'] = String(length)
  if (reader === undefined) {
    sendWhole(head, null, sending, false)
    return
  }
  const { promise: closed, resolve } = Promise.withResolvers<'closed'>()
  outgoing.once('close', () => {
    resolve('closed')
  })
  let left = length ?? Infinity
  try {
    writeHead(outgoing, status, fields)
    // A client that waits for the first event must see that the stream has begun.
    if (outgoing instanceof ServerResponse) outgoing.flushHeaders()
    for (;;) {
      const next = await Promise.race([reader.read(), closed])
      // The end of the connection is reported in a later turn, which a stream that always has more would never allow.
      if (next === 'closed' || isOver(outgoing)) return
      if (next.done) {
        if (length !== undefined && left > 0) throw mismatch(length, length - left)
        outgoing.end()
        cutOffWhenStuck(outgoing, patience)
        return
      }
      const chunk = bytesOf(next.value)
      const fits = chunk.byteLength <= left ? chunk : chunk.subarray(0, left)
      left -= fits.byteLength
      const hasRoom = fits.byteLength === 0 || write(outgoing, fits)
      if (fits !== chunk) {
        outgoing.end()
        cutOffWhenStuck(outgoing, patience)
        sending.onFailed(mismatch(length ?? 0, (length ?? 0) + chunk.byteLength - fits.byteLength))
        return
      }
      if (!hasRoom) await drained(outgoing, patience, closed)
    }
  } finally {
    // If the stream has already ended, this does nothing.
    reader.cancel(new TroupeError('Canceled', 'the client disconnected')).catch(() => undefined)
  }
}

function mismatch(length: number, size: number): TroupeError {
  return new TroupeError('Internal', `the body of the response has ${size} bytes, its content-length is ${length}`)
}

function writeHead(outgoing: Outgoing, status: number, fields: Head['fields']): void {
  if (outgoing instanceof ServerResponse) outgoing.writeHead(status, fields)
  else outgoing.writeHead(status, fields)
}

function write(outgoing: Outgoing, chunk: Uint8Array): boolean {
  return outgoing instanceof ServerResponse ? outgoing.write(chunk) : outgoing.write(chunk)
}

/** Cuts off the last bytes when a client does not read them in time, so that it does not keep them in memory. */
function cutOffWhenStuck(outgoing: Outgoing, patience: number): void {
  if (patience === 0 || pendingBytes(outgoing) === 0) return
  const timer = startTimer(() => breakOff(outgoing), patience)
  outgoing.once('close', () => stopTimer(timer))
}

async function drained(outgoing: Outgoing, patience: number, closed: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  outgoing.once('drain', resolve)
  const timer = patience === 0 ? undefined : startTimer(() => breakOff(outgoing), patience)
  await Promise.race([promise, closed])
  stopTimer(timer)
  outgoing.off('drain', resolve)
}
