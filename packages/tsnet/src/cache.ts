/** The cache of programs that were built on this machine: one for each state of the sources and each platform. */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { TroupeError } from '@troupe/core'
import type { Platform } from './platform.ts'
import { type GoProgram, sidecar } from './program.ts'
import { sourceDigest } from './source.ts'

/** Returns `TROUPE_CACHE_DIR`, else `troupe` in the user's cache. */
export function defaultCache(): string {
  const { TROUPE_CACHE_DIR: own, XDG_CACHE_HOME: shared } = process.env
  if (own !== undefined && own !== '') return own
  if (process.platform === 'darwin') return join(homedir(), 'Library/Caches/troupe')
  return join(shared === undefined || shared === '' ? join(homedir(), '.cache') : shared, 'troupe')
}

/** A place in the cache: the program, and next to it a file with its SHA-256. */
export interface CachePlace {
  readonly folder: string
  readonly program: string
  readonly checksum: string
}

export async function cachePlace(
  cache: string,
  platform: Platform,
  { folder: source, cacheFolder, name }: GoProgram = sidecar,
): Promise<CachePlace> {
  const folder = join(cache, cacheFolder, await sourceDigest(source), platform)
  const program = join(folder, name)
  return { folder, program, checksum: `${program}.sha256` }
}

/** Makes the folder, accessible only to this user. */
export async function makePlace({ folder }: CachePlace): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/**
 * Returns the SHA-256 of the program at a place, or `undefined` if there is none.
 *
 * @throws TroupeError `Invalid`, final, when other users could have written it.
 */
export async function recordedAt({ folder, checksum }: CachePlace): Promise<string | undefined> {
  const recorded = await readFile(checksum, 'utf8').catch(() => undefined)
  if (recorded === undefined) return undefined
  const { uid, mode } = await stat(folder)
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return recorded.trim()
  throw new TroupeError(
    'Invalid',
    `the folder ${folder} is not this user's alone, so that what lies in it is not run`,
    {
      retryable: false,
    },
  )
}
