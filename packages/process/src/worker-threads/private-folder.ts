/** Folders that nobody else may write to. */
import { lstatSync, mkdirSync } from 'node:fs'

/**
 * Makes sure that `path` is a folder of this user's own, which nobody else can enter. Returns false for anything else that is there already: in
 * a folder for all, such as `/tmp`, another user may have put it there first.
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
