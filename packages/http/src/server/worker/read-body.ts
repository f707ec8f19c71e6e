/** Reads the available part of a response's body, to send it to another thread. */
import { bytesOf } from '../request/body-bytes.ts'
import type { Unread } from './body-transfer.ts'
import { wholeBody } from './protocol.ts'

interface Parts {
  /** Its body, if that is short and available at once. */
  readonly whole: Uint8Array<ArrayBuffer> | undefined
  /** Otherwise the rest to read. */
  readonly rest: Unread | undefined
}

export async function readBody(response: Response): Promise<Parts> {
  const body: ReadableStream<unknown> | null = response.body
  if (body === null) return { whole: undefined, rest: undefined }
  const reader = body.getReader()
  const ahead: Uint8Array[] = []
  let size = 0
  // Reads what is available now; does not wait for what a handler must still produce.
  const patience = new Promise<'later'>((resolve) => {
    setImmediate(resolve, 'later')
  })
  for (let pending = reader.read(); ; pending = reader.read()) {
    // The next reader receives the error.
    const next = await Promise.race([pending, patience]).catch(() => 'later' as const)
    if (next === 'later') return { whole: undefined, rest: { reader, ahead, pending } }
    if (next.done) return { whole: joined(ahead, size), rest: undefined }
    const chunk = chunkOf(reader, next.value)
    ahead.push(chunk)
    size += chunk.byteLength
    if (size > wholeBody) return { whole: undefined, rest: { reader, ahead } }
  }
}

/** @throws TroupeError `Internal`, after its source was cancelled. */
function chunkOf(reader: ReadableStreamDefaultReader<unknown>, value: unknown): Uint8Array {
  try {
    return bytesOf(value)
  } catch (error) {
    reader.cancel(error).catch(() => undefined)
    throw error
  }
}

/** Joins the pieces in memory of their own, which can be transferred to another thread. */
function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}
