/**
 * Files that hold secrets: keys, tokens, histories. They are never opened through a link, and only their owner may read
 * them.
 */
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { invalid } from './errors.ts'
import { makePrivateFolder } from './private-folder.ts'

const ownerOnly = 0o600
/** Others may read or write the file, or the group may write it. */
const tooWide = 0o027
/** Others, or the group, may do anything with the file. */
const ofOthers = 0o077
/** Files that SQLite keeps beside a database and opens by itself. */
const besideDatabase = ['-wal', '-shm', '-journal']

/**
 * Returns the text of a file, and removes the access of others to it.
 *
 * @param isClosed - Whether the file must be closed to all others already, the group too: it is refused otherwise,
 *   because others may have read it.
 * @throws TroupeError `Invalid` for a link, for anything that is not a regular file, and for a file that others may
 *   read and whose mode cannot be changed. Also throws what `open` throws.
 */
export function readPrivateFile(path: string, isClosed = false): string {
  const file = open(path, constants.O_RDONLY)
  try {
    const { mode } = checked(path, file)
    if (isClosed && (mode & ofOthers) !== 0) throw isOpen(path, mode)
    if ((mode & tooWide) !== 0) narrow(path, file, mode)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/**
 * Makes sure that a database file exists that only its owner may read. Neither the file nor the files that SQLite keeps
 * beside it may be links.
 *
 * @throws TroupeError like {@link readPrivateFile}.
 */
export function ensurePrivateDatabase(path: string): void {
  makePrivateFolder(dirname(path))
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

/** Does not wait for a writer when the path is a pipe. */
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
  if (!found.isFile()) throw invalid(`${path} is not a regular file`, { path })
  return found
}

/** The program removes the access of others from its own file; a file of another user is not trusted. */
function narrow(path: string, file: number, mode: number): void {
  try {
    fchmodSync(file, ownerOnly)
  } catch {
    throw invalid(
      `${path} is open to others (${(mode & 0o777).toString(8)}), and cannot be closed to them: chmod 600 it`,
      { path },
    )
  }
}

function isOpen(path: string, mode: number) {
  const words = `${path} is open to others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`
  return invalid(`${words}, and replace the key in it if they may have read it`, { path })
}

function isLink(path: string) {
  return invalid(`${path} is a link, and files of secrets are not opened through links: name the file itself`, { path })
}
