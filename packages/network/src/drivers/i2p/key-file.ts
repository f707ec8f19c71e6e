/**
 * A private key that outlives its overlay, in its own file that no other user can read. Its holder holds it
 * exclusively: a router accepts a second session with the same key, and breaks the first.
 */
import { holdFile, invalid, readPrivateFile, TroupeError } from '@troupe/core'
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, rmSync, type Stats, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { destinationIn } from './destination.ts'

const ownerOnly = 0o600
/** The permission bits of group and others. */
const others = 0o077

/** Returns the path of the key of an entry. */
export function keyPath(stateDir: string, name: string): string {
  return join(stateDir, 'i2p', name)
}

/**
 * Returns the key in `path`; `undefined` when there is no such file.
 *
 * @throws TroupeError `Invalid` for a file or folder that other users can read or write, and for a file that contains
 *   no key.
 */
export function readKey(path: string): string | undefined {
  const folder = statOf(dirname(path))
  if (folder === undefined) return undefined
  refuseWider(dirname(path), folder, 'folder')
  const file = statOf(path)
  if (file === undefined) return undefined
  refuseWider(path, file, 'file')
  const key = readPrivateFile(path).trim()
  if (destinationIn(key) !== undefined) return key
  throw invalid(
    `${path} holds no private key of I2P: put back the one that was there, or remove the file to get a new address`,
    { path },
  )
}

export class KeyFile implements Disposable {
  readonly path: string
  readonly #lock: Disposable

  private constructor(path: string, lock: Disposable) {
    this.path = path
    this.#lock = lock
  }

  /**
   * Locks the key file `path`, whether it exists or not. The system releases the lock when this program ends, in
   * whatever way.
   *
   * @throws TroupeError `AlreadyExists` when another holder has it: another overlay, or another application with the
   *   same state.
   */
  static async hold(path: string): Promise<KeyFile> {
    const folder = dirname(path)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    refuseWider(folder, lstatSync(folder), 'folder')
    const file = `${path}.lock`
    const found = statOf(file)
    if (found) refuseWider(file, found, 'file')
    const lock = await holdFile(file)
    if (lock) return new KeyFile(path, lock)
    throw new TroupeError(
      'AlreadyExists',
      `the key in ${path} is in use, by another overlay or another application: ` +
        'two sessions with one key break each other. Give the entry another name',
      { retryable: true, details: { path } },
    )
  }

  /** @throws TroupeError like {@link readKey}. */
  read(): string | undefined {
    return readKey(this.path)
  }

  /** Stores a new key, atomically, and never in place of another. */
  write(key: string): void {
    const draft = `${this.path}.${randomUUID()}`
    const file = openSync(draft, 'wx', ownerOnly)
    try {
      writeSync(file, `${key}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    try {
      linkSync(draft, this.path)
    } finally {
      rmSync(draft)
    }
    const folder = openSync(dirname(this.path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]()
  }
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function refuseWider(path: string, found: Stats, what: 'file' | 'folder'): void {
  const right = what === 'file' ? '600' : '700'
  const isOne = what === 'file' ? found.isFile() : found.isDirectory()
  const isOurs = process.getuid === undefined || found.uid === process.getuid()
  if (isOne && isOurs && (found.mode & others) === 0) return
  const why = !isOne
    ? `is no ${what}`
    : isOurs
      ? `is open to others (${(found.mode & 0o777).toString(8)})`
      : 'belongs to another user'
  throw invalid(`${path}, where keys of I2P are kept, ${why}: chmod ${right} it, if no other user has read it`, {
    path,
  })
}
