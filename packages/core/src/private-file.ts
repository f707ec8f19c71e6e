/** Files that hold secrets: keys, tokens, histories. They are never opened through a link, and nobody else may read them. */
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { invalid } from './errors.ts'

const ownerOnly = 0o600
/** Others may read or write it, or the group may write it. */
const tooWide = 0o027
/** What SQLite keeps beside a database, and opens by itself. */
const besideDatabase = ['-wal', '-shm', '-journal']

/**
 * The text of a file, which is closed to others from then on.
 *
 * @throws TroupeError `Invalid` for a link, for what is no file, and for a file that others may read and that cannot be closed to them; what
 *   `open` throws.
 */
export function readPrivateFile(path: string): string {
  const file = open(path, constants.O_RDONLY)
  try {
    const { mode } = checked(path, file)
    if ((mode & tooWide) !== 0) narrow(path, file, mode)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/**
 * Makes sure that a database is there which its owner alone may read, and that neither it nor what SQLite keeps beside it is a link.
 *
 * @throws TroupeError like {@link readPrivateFile}.
 */
export function ensurePrivateDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = open(path, constants.O_RDWR | constants.O_CREAT)
  try {
    checked(path, file)
    fchmodSync(file, ownerOnly)
  } finally {
    closeSync(file)
  }
  for (const suffix of besideDatabase) {
    if (lstatSync(path + suffix, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw isLink(path + suffix)
  }
}

/** Without waiting for a writer of a pipe. */
function open(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, ownerOnly)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') throw isLink(path)
    throw error
  }
}

function checked(path: string, file: number) {
  const found = fstatSync(file)
  if (!found.isFile()) throw invalid(`${path} is no file`, { path })
  return found
}

/** A file of one's own is closed to others; one of somebody else is not for us to trust. */
function narrow(path: string, file: number, mode: number): void {
  try {
    fchmodSync(file, ownerOnly)
  } catch {
    throw invalid(`${path} is open to others (${(mode & 0o777).toString(8)}), and cannot be closed to them: chmod 600 it`, { path })
  }
}

function isLink(path: string) {
  return invalid(`${path} is a link, and files of secrets are not opened through links: name the file itself`, { path })
}
