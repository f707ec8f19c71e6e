/** Something on the disk that one program may use at a time. */
import { closeSync, lstatSync, openSync } from 'node:fs'

const ownerOnly = 0o600
/** `SQLITE_BUSY` */
const busy = 5

/**
 * Holds `path`, a file of its own beside what it stands for; nothing where somebody else holds it, in this program or in another. The system
 * lets go of it when this program ends, in whatever way.
 */
export async function holdFile(path: string): Promise<Disposable | undefined> {
  // Loaded here, because Node 24 warns that it is experimental.
  const { DatabaseSync } = await import('node:sqlite')
  // To open and close one that is there would give up this program's own lock on it (`fcntl`).
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
