/** A file lock: a resource on the disk that one program may use at a time. */
import { closeSync, lstatSync, openSync } from 'node:fs'

const ownerOnly = 0o600
/** `SQLITE_BUSY` */
const busy = 5

/**
 * Locks `path`, a separate lock file beside the resource. Returns nothing when this program or another one already
 * holds it. The system releases the lock when this program ends, however it ends.
 */
export async function holdFile(path: string): Promise<Disposable | undefined> {
  // Loaded here, because Node 24 prints a warning that it is experimental.
  const { DatabaseSync } = await import('node:sqlite')
  // Opening and closing an existing file would release this program's own lock on it (`fcntl`).
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) closeSync(openSync(path, 'ax', ownerOnly))
  const lock = new DatabaseSync(path)
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return undefined
    throw error
  }
  return {
    [Symbol.dispose]() {
      if (lock.isOpen) lock.close()
    },
  }
}
