/** Writes a profile of a running application into a file that only its owner can read. */
import { TroupeError } from '@troupe/core'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { OperatorAction } from 'troupe/app'

type Profile = Extract<OperatorAction, { readonly action: 'profile-cpu' | 'profile-heap' }>

export function isProfile(action: OperatorAction): action is Profile {
  return action.action === 'profile-cpu' || action.action === 'profile-heap'
}

/**
 * Returns the path of the file, in the current folder.
 *
 * @throws TroupeError `Unavailable` where it cannot be written.
 */
export async function writeProfile({ action, thread }: Profile, pid: number, profile: Readable): Promise<string> {
  const ending = action === 'profile-cpu' ? 'cpuprofile' : 'heapsnapshot'
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const path = resolve(`troupe-${pid}-thread-${thread}-${time}.${ending}`)
  try {
    // Never through a link, and never over another file.
    await pipeline(profile, createWriteStream(path, { mode: 0o600, flags: 'wx' }))
    return path
  } catch (cause) {
    if (!isTaken(cause)) await rm(path, { force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TroupeError('Unavailable', `the profile was not written: ${reason}`, { cause, details: { path } })
  }
}

function isTaken(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
}
