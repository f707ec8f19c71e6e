/** Builds the programs of this package into the cache. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TroupeError } from '@troupe/core'
import { cachePlace, defaultCache, makePlace, recordedAt } from '../cache.ts'
import { sha256, verify } from '../checksum.ts'
import type { FoundProgram } from '../find.ts'
import { currentPlatform, type Platform } from '../platform.ts'
import { type GoProgram, launcher, sidecar } from '../program.ts'
import { sourceFolder } from '../source.ts'
import { findGo } from './go.ts'

/** How to build a program. */
export interface BuildOptions {
  /** @default the platform of this process; Go can build for every other one too */
  readonly platform?: Platform
  /** @default the variable `TROUPE_CACHE_DIR`, else `troupe` in the user's cache */
  readonly cache?: string
  /** Build even if the cache has the program. @default false */
  readonly again?: boolean
}

const systems = {
  'linux-x64': ['linux', 'amd64'],
  'linux-arm64': ['linux', 'arm64'],
  'darwin-x64': ['darwin', 'amd64'],
  'darwin-arm64': ['darwin', 'arm64'],
} as const

/**
 * Returns the sidecar of this version, built with Go unless the cache has it. The first build takes minutes, and
 * downloads modules according to Go's own settings (`GOPROXY`).
 *
 * @throws TroupeError `Unavailable`, final, when there is no Go, or it fails.
 */
export async function buildSidecar(options: BuildOptions = {}): Promise<FoundProgram> {
  return buildProgram(sidecar, options)
}

/**
 * Returns the launcher of `isolation: process`, for Linux. The build takes seconds. Throws like {@link buildSidecar}.
 */
export async function buildLauncher(options: BuildOptions = {}): Promise<FoundProgram> {
  return buildProgram(launcher, options)
}

/** Returns a program, built with Go unless the cache has it. Throws like {@link buildSidecar}. */
export async function buildProgram(
  source: GoProgram,
  { platform = currentPlatform(), cache = defaultCache(), again = false }: BuildOptions = {},
): Promise<FoundProgram> {
  const place = await cachePlace(cache, platform, source)
  const recorded = again ? undefined : await recordedAt(place)
  if (recorded !== undefined)
    return { path: place.program, origin: 'cache', sha256: await verify(place.program, recorded, source.builder) }
  await makePlace(place)
  // Other processes may build the same program: each writes its own file, and the last one stays.
  const draft = `${place.program}.${process.pid}`
  try {
    await compile(source, draft, platform)
    const sum = await sha256(draft)
    await rename(draft, place.program)
    await writeFile(place.checksum, `${sum}\n`, { mode: 0o600 })
    return { path: place.program, origin: 'cache', sha256: sum }
  } finally {
    await rm(draft, { force: true })
  }
}

async function compile(source: GoProgram, output: string, platform: Platform): Promise<void> {
  const [system, architecture] = systems[platform]
  const { program, environment } = await findGo()
  const tags = source === sidecar ? ['-tags', await readBuildTags()] : []
  const flags = source === sidecar ? await linkerFlags() : '-s -w'
  const args = ['build', '-trimpath', ...tags, '-ldflags', flags, '-o', output, '.']
  const env = { ...process.env, ...environment, GOOS: system, GOARCH: architecture, CGO_ENABLED: '0' }
  const child = spawn(program, args, { cwd: source.folder, env, stdio: ['ignore', 'inherit', 'pipe'] })
  const words: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => void words.push(text))
  const code = await once(child, 'close').then(([first]: readonly unknown[]) => first)
  if (code !== 0)
    throw new TroupeError('Unavailable', `Go did not build ${source.name} for ${platform}:\n${words.join('')}`, {
      retryable: false,
      details: { platform },
    })
}

/** Returns Go's build tags that leave out parts of tsnet, most importantly the upload of logs. */
export async function readBuildTags(): Promise<string> {
  const text = await readFile(join(sourceFolder, 'build-tags'), 'utf8')
  return text.split(/\s+/).filter(Boolean).join(',')
}

/** Sets the versions that the program reports, and that the control server sees. */
async function linkerFlags(): Promise<string> {
  const module = await readFile(join(sourceFolder, 'go.mod'), 'utf8')
  const tailscale = /^\s*(?:require )?tailscale\.com v([\d.]+)$/m.exec(module)?.[1] ?? ''
  const stamps = ['short', 'long'].map((name) => `-X tailscale.com/version.${name}Stamp=${tailscale}`)
  return ['-s', '-w', `-X main.version=${await ownVersion()}`, ...stamps].join(' ')
}

async function ownVersion(): Promise<string> {
  const json: unknown = JSON.parse(await readFile(join(sourceFolder, '../package.json'), 'utf8'))
  return typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : ''
}
