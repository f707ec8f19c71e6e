/**
 * Files inside a folder. A special file in it, such as a pipe without a writer, must not block the threads by which
 * Node reads all files.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { TroupeError, unavailable, Semaphore } from '@troupe/core'
import type { StaticFields } from '../../config/kinds.ts'

/**
 * By default Node has four threads for files and names. This limit leaves two of them to all other uses, whatever a
 * folder contains.
 */
const gate = new Semaphore(2, 1000, (waiting) => unavailable(`${waiting} requests wait for files already`, {}))

/** Bytes that are read at once. */
const pieceSize = 64 * 1024

/** An open file. The reader closes it when it reads to the end, cancels, or calls {@link close}. */
export class File {
  readonly path: string
  readonly size: number
  readonly modified: Date
  readonly #handle: FileHandle

  constructor(handle: FileHandle, path: string, { size, mtime }: { readonly size: number; readonly mtime: Date }) {
    this.#handle = handle
    this.path = path
    this.size = size
    this.modified = mtime
  }

  /** Reads from one byte to another, both included, on demand. */
  bytes(start: number, end: number): ReadableStream<Uint8Array> {
    let at = start
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const piece = Buffer.allocUnsafe(Math.min(pieceSize, end - at + 1))
            const { bytesRead } = await gate.acquire(async () => this.#handle.read(piece, 0, piece.byteLength, at))
            if (bytesRead === 0) throw new TroupeError('Unavailable', `${this.path} became shorter while it was sent`)
            at += bytesRead
            controller.enqueue(piece.subarray(0, bytesRead))
            if (at <= end) return
            controller.close()
            await this.close()
          } catch (error) {
            await this.close()
            throw error
          }
        },
        cancel: async () => this.close(),
      },
      { highWaterMark: 0 },
    )
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined)
  }
}

/**
 * Opens a file inside the folder, with links resolved: a file outside of the folder counts as missing.
 *
 * @throws TroupeError `Unavailable`
 */
export async function openFile(
  folder: Pick<StaticFields, 'directory' | 'index'>,
  path: string,
): Promise<File | 'folder' | undefined> {
  return gate.acquire(async () => find(folder, path))
}

async function find(
  { directory, index }: Pick<StaticFields, 'directory' | 'index'>,
  path: string,
): Promise<File | 'folder' | undefined> {
  try {
    const root = await realpath(directory)
    const file = await realpath(join(root, path))
    if (file !== root && !file.startsWith(root + sep)) return undefined
    const stats = await stat(file)
    if (stats.isFile()) return await opened(file)
    if (!stats.isDirectory()) return undefined
    if (path !== '' && !path.endsWith('/')) return 'folder'
    const page = await find({ directory: file, index }, index)
    return page === 'folder' ? undefined : page
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EMFILE' || code === 'ENFILE') throw unavailable('no more files can be opened', {})
    // Missing or unreadable: for the caller this is the same.
    return undefined
  }
}

/** A pipe that replaced the file in the meantime must not block the thread either: without `O_NONBLOCK` it would. */
async function opened(path: string): Promise<File | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const stats = await handle.stat()
    if (stats.isFile()) return new File(handle, path, stats)
  } catch {
    // It is closed below.
  }
  await handle.close()
  return undefined
}
