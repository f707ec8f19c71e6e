/** Reads a source for the connection that sends it, in the context of the caller that provided it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { invalid, TroupeError } from '@troupe/core'
import type { Source } from './source.ts'

type Run = <T>(fn: () => T) => T

/**
 * A connection reads a body in its own context, which may be another caller's. Without this function, a generator that
 * makes requests of its own would make them in a foreign frame.
 */
export function readInContext(source: Source): {
  readonly open: (taken?: (bytes: number) => void) => Readable
  readonly release: () => void
} {
  const run: Run = AsyncLocalStorage.snapshot()
  let opened: Readable | undefined
  return {
    open(taken) {
      opened = Readable.from(pieces(source, run, taken), { objectMode: false })
      return opened
    },
    release() {
      opened?.destroy()
      // A generator that was never started does not learn that it will not be read.
      void run(async () => source.release()).catch(() => undefined)
    },
  }
}

async function* pieces(source: Source, run: Run, taken?: (bytes: number) => void): AsyncGenerator<Buffer> {
  const iterator = run(() => source.open())
  let ended = false
  try {
    for (;;) {
      const { done, value } = await run(async () => iterator.next())
      if (done === true) {
        ended = true
        return
      }
      const piece = pieceOf(value, source.path)
      yield piece
      // A request for more means that the last piece was taken.
      if (taken !== undefined) run(() => taken(piece.byteLength))
    }
  } catch (error) {
    if (!(error instanceof TroupeError)) throw new BodyFailed(error)
    throw error
  } finally {
    if (!ended) await run(async () => iterator.return?.())
  }
}

function pieceOf(value: unknown, path: string): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw invalid(`${path}: the stream yielded ${value === null ? 'null' : typeof value}: expected text or bytes`, {
    path,
  })
}

/** Wraps an error that the caller's own stream threw while it was being sent. */
export class BodyFailed extends Error {
  constructor(cause: unknown) {
    super(`the body's stream failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
