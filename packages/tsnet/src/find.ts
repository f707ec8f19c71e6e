/**
 * Finds the sidecar: at the path that its user names, in the package of the platform, or in the cache of programs built
 * here.
 */
import { access, constants, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { TroupeError } from '@troupe/core'
import { cachePlace, defaultCache, recordedAt } from './cache.ts'
import { sha256, verify } from './checksum.ts'
import { currentPlatform, type Platform } from './platform.ts'
import { type GoProgram, launcher, sidecar } from './program.ts'

/** How to find a program. */
export interface FindOptions {
  /** A program to use. @default the variable `TROUPE_TSNET`; without it, the package and the cache are tried */
  readonly path?: string
  /**
   * The expected SHA-256 of {@link path}, in hexadecimal. @default not checked, because the caller who names a program
   * trusts it
   */
  readonly sha256?: string
  /** Folder of the programs built here. @default the variable `TROUPE_CACHE_DIR`, else `troupe` in the user's cache */
  readonly cache?: string
  /** @default the platform of this process */
  readonly platform?: Platform
}

/** A program that was found and checked. */
export interface FoundProgram {
  readonly path: string
  readonly origin: 'path' | 'package' | 'cache'
  readonly sha256: string
}

/**
 * Returns the sidecar to run. Never builds or downloads anything.
 *
 * @example
 * ```ts
 * const { path } = await findSidecar()
 * spawn(path, ['--sock', socket])
 * ```
 *
 * @throws TroupeError `Unavailable`, final, with what to do, if there is none; `Invalid`, final, for one whose checksum
 *   differs, and on platforms that are not supported.
 */
export async function findSidecar(options: FindOptions = {}): Promise<FoundProgram> {
  return findProgram(sidecar, options)
}

/**
 * Returns the launcher of `isolation: process`, found like the sidecar; the variable is `TROUPE_LAUNCHER`. Throws like
 * {@link findSidecar}.
 */
export async function findLauncher(options: FindOptions = {}): Promise<FoundProgram> {
  return findProgram(launcher, options)
}

/** Returns a program to run. Never builds or downloads anything. Throws like {@link findSidecar}. */
export async function findProgram(program: GoProgram, options: FindOptions = {}): Promise<FoundProgram> {
  const explicit = options.path ?? process.env[program.variable]
  if (explicit !== undefined && explicit !== '') return atPath(program, explicit, options.sha256)
  const platform = options.platform ?? currentPlatform()
  const found =
    (await inPackage(program, platform)) ?? (await inCache(program, options.cache ?? defaultCache(), platform))
  if (found) return found
  const packaged = program.packages.of(platform)
  throw new TroupeError(
    'Unavailable',
    `there is no ${program.name} for ${platform}, ${program.title}. ` +
      `Install ${packaged} (npm leaves it out with "--omit=optional"), or build it with "${program.builder}" ` +
      `(needs Go), or name it with the variable ${program.variable}`,
    { retryable: false, details: { platform, package: packaged } },
  )
}

async function atPath(
  { title, builder }: GoProgram,
  path: string,
  expected: string | undefined,
): Promise<FoundProgram> {
  try {
    await access(path, constants.X_OK)
  } catch (cause) {
    throw new TroupeError('Unavailable', `${title} is not at ${path}, or cannot be run`, {
      retryable: false,
      details: { path },
      cause,
    })
  }
  return {
    path,
    origin: 'path',
    sha256: await (expected === undefined ? sha256(path) : verify(path, expected, builder)),
  }
}

async function inPackage(
  { name, packages, builder }: GoProgram,
  platform: Platform,
): Promise<FoundProgram | undefined> {
  const expected = (await checksumsIn(packages.checksums)).get(`${name}-${platform}`)
  const folder = folderOf(packages.of(platform), packages.dependent)
  if (expected === undefined || folder === undefined) return undefined
  const path = join(folder, 'bin', name)
  return { path, origin: 'package', sha256: await verify(path, expected, builder) }
}

async function inCache(program: GoProgram, cache: string, platform: Platform): Promise<FoundProgram | undefined> {
  const place = await cachePlace(cache, platform, program)
  const expected = await recordedAt(place)
  if (expected === undefined) return undefined
  return { path: place.program, origin: 'cache', sha256: await verify(place.program, expected, program.builder) }
}

/** Returns the expected checksums of the programs published with this version; none in a repository. */
async function checksumsIn(file: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const json: unknown = JSON.parse(text)
  const entries: readonly (readonly [string, unknown])[] = Object.entries(
    typeof json === 'object' && json !== null ? json : {},
  )
  return new Map(entries.flatMap(([key, sum]) => (typeof sum === 'string' ? [[key, sum]] : [])))
}

function folderOf(name: string, dependent: string): string | undefined {
  try {
    return dirname(createRequire(dependent).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}
