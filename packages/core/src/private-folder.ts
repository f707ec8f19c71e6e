/** Folders to which no other user may write. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

const octal = 8

/**
 * Makes sure that `path` is a folder of this user, which no other user can enter. Returns false if anything else exists
 * there: in a shared folder, such as `/tmp`, another user may have created it first.
 */
export function ensurePrivateFolder(path: string): boolean {
  return privateFolderFault(path) === undefined
}

/** Like {@link ensurePrivateFolder}, but returns why it is no such folder; `undefined` if it is one. */
export function privateFolderFault(path: string): string | undefined {
  try {
    makePrivateFolder(path)
    const found = lstatSync(path)
    if (!found.isDirectory()) return 'it is not a folder'
    if (process.getuid !== undefined && found.uid !== process.getuid()) return 'it belongs to another user'
    const mode = (found.mode & 0o777).toString(octal).padStart(4, '0')
    return (found.mode & 0o077) === 0 ? undefined : `other users can enter it (mode ${mode}): chmod 700 it`
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return reasons.get(code) ?? `it cannot be made (${code})`
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'it cannot be made, because this user may not write to the folder above it'],
  ['EEXIST', 'it is not a folder'],
  ['ENOTDIR', 'a part of its path is not a folder'],
  ['EROFS', 'it cannot be made, because the file system is read-only'],
  ['ENOSPC', 'it cannot be made, because the file system is full'],
])

/**
 * Returns what to do when a file could not be opened because this user may not write there: the end of a sentence, or
 * an empty text after any other error.
 *
 * @param setting - The setting that chooses another file.
 */
export function adviceOnWriting(error: unknown, setting: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return ''
  return `: let the user of this program write to its folder, or choose another file with ${setting}`
}

/**
 * Makes a folder, and those above it, for this user only.
 *
 * @throws what `mkdir` throws, with the reason: for several folders in a file system that is read-only, Node reports
 *   that they do not exist.
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      let above = dirname(path)
      while (!existsSync(above) && dirname(above) !== above) above = dirname(above)
      accessSync(above, constants.W_OK)
    }
    throw error
  }
}
