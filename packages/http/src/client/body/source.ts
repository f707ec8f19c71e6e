/** The source of the bytes of a body: text, bytes, a Blob, a file, a stream. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { invalid } from '@troupe/core'

/** The content that callers pass. */
export type Given = string | Uint8Array | Blob | AsyncIterable<unknown, unknown>

export interface Source {
  readonly replayable: boolean
  /** Returns the length in bytes, where it is known. @throws TroupeError `Invalid` when the file does not exist. */
  length(): Promise<number | undefined>
  /** Opens the source at its first byte. A source that is not replayable is opened once. */
  open(): AsyncIterator<unknown, unknown>
  /** Releases a source that will not be read, or not to its end. */
  release(): Promise<void>
  /** Names the source in errors. */
  readonly path: string
}

/** A source that is opened for each use ends with its iterator. */
const release = async () => {}

/** Larger pieces would hide how fast they are taken. */
const pieceBytes = 64 * 1024

/** @param length - Length of a stream in bytes, as the caller states it. */
export function sourceOf(given: Given, length: number | undefined, path: string): Source {
  if (given instanceof Blob)
    return { replayable: true, length: async () => given.size, open: () => piecesOfBlob(given), release, path }
  if (typeof given === 'string' || given instanceof Uint8Array) {
    const bytes = Buffer.from(given)
    return { replayable: true, length: async () => bytes.byteLength, open: () => piecesOf(bytes), release, path }
  }
  const iterator = given[Symbol.asyncIterator]()
  return {
    replayable: false,
    length: async () => length,
    open: () => iterator,
    async release() {
      await iterator.return?.()
    },
    path,
  }
}

/** A file of this machine; its length is read when it is needed. */
export function fileSource(file: string, path: string): Source {
  return {
    replayable: true,
    async length() {
      try {
        const stats = await stat(file)
        if (stats.isFile()) return stats.size
      } catch (error) {
        throw invalid(`${path}: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
          path,
        })
      }
      throw invalid(`${path}: ${file} is not a file`, { path })
    },
    open: () => createReadStream(file)[Symbol.asyncIterator](),
    release,
    path,
  }
}

/** Joins sources; each is opened when it is next. */
export function joined(sources: readonly Source[], path: string): Source {
  return {
    replayable: sources.every(({ replayable }) => replayable),
    async length() {
      const lengths = await Promise.all(sources.map(async (each) => each.length()))
      return lengths.reduce((sum, each) => (sum === undefined || each === undefined ? undefined : sum + each), 0)
    },
    open: () => piecesOfAll(sources),
    async release() {
      await Promise.all(sources.map(async (each) => each.release()))
    },
    path,
  }
}

async function* piecesOfAll(sources: readonly Source[]): AsyncGenerator {
  for (const source of sources) yield* iterable(source)
}

function iterable(source: Source): AsyncIterable<unknown> {
  return { [Symbol.asyncIterator]: () => source.open() }
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function* piecesOfBlob(blob: Blob): AsyncGenerator {
  yield* blob.stream()
}
