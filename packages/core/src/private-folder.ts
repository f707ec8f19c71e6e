/** Folders to which no other user may write. */
import { lstatSync, mkdirSync } from 'node:fs'

/**
 * Makes sure that `path` is a folder of this user, which no other user can enter. Returns false if anything else exists
 * there: in a shared folder, such as `/tmp`, another user may have created it first.
 */
export function ensurePrivateFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const found = lstatSync(path)
    const isOurs = process.getuid === undefined || found.uid === process.getuid()
    return found.isDirectory() && isOurs && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
