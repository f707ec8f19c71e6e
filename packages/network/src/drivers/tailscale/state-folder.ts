/** The folder of a node's keys. */
import { type EntryId, TroupeError } from '@troupe/core'
import { chmod, mkdir } from 'node:fs/promises'

/**
 * Makes the folder, where it is missing, and this user's alone in any case; whether it was missing.
 *
 * @throws TroupeError `Invalid`, final, where it cannot be had.
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
