/** The folder of a node's keys. */
import { type EntryId, TroupeError } from '@troupe/core'
import { chmod, mkdir } from 'node:fs/promises'

/**
 * Makes the folder, if it is missing, and restricts it to this user in any case. Returns whether it was missing.
 *
 * @throws TroupeError `Invalid`, final, if the folder cannot be made or used.
 */
export async function makeStateFolder(overlay: EntryId, folder: string): Promise<boolean> {
  try {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    return made !== undefined
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new TroupeError('Invalid', `overlay ${overlay} cannot keep its state in ${folder} (${why}): see state_dir`, {
      details: { overlay },
      retryable: false,
    })
  }
}
