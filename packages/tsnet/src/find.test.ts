import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TroupeError } from '@troupe/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cachePlace } from './cache.ts'
import { findSidecar } from './find.ts'
import { currentPlatform, type Platform } from './platform.ts'

const text = '#!/bin/sh\n'
const sum = createHash('sha256').update(text).digest('hex')
const platform: Platform = 'linux-arm64'
let cache = ''

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'troupe-find-'))
  vi.stubEnv('TROUPE_TSNET', '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(cache, { recursive: true })
})

/** Puts a program into the cache, as a build does. */
async function cached(recorded = sum): Promise<string> {
  const { folder, program, checksum } = await cachePlace(cache, platform)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(program, text, { mode: 0o755 })
  await writeFile(checksum, `${recorded}\n`)
  return program
}

async function failure(promise: Promise<unknown>): Promise<TroupeError> {
  const error: unknown = await promise.catch((reason: unknown) => reason)
  if (error instanceof TroupeError) return error
  throw new Error('it did not fail with a TroupeError')
}

describe('the sidecar', () => {
  it('is the named one, before all others', async () => {
    await cached()
    const named = join(cache, 'named')
    await writeFile(named, text, { mode: 0o755 })
    await expect(findSidecar({ path: named, cache, platform })).resolves.toEqual({
      path: named,
      origin: 'path',
      sha256: sum,
    })
    vi.stubEnv('TROUPE_TSNET', named)
    await expect(findSidecar({ cache, platform })).resolves.toMatchObject({ path: named })
  })

  it('that is named must exist, and must have the right checksum', async () => {
    const missing = await failure(findSidecar({ path: join(cache, 'none') }))
    expect(missing).toMatchObject({ kind: 'Unavailable', final: true })
    const named = join(cache, 'named')
    await writeFile(named, text, { mode: 0o755 })
    const other = await failure(findSidecar({ path: named, sha256: '0'.repeat(64) }))
    expect(other).toMatchObject({ kind: 'Invalid', final: true, details: { actual: sum } })
  })

  it('is found where it was built', async () => {
    const program = await cached()
    await expect(findSidecar({ cache, platform })).resolves.toEqual({ path: program, origin: 'cache', sha256: sum })
  })

  it('is not run when it was changed since', async () => {
    const program = await cached()
    await writeFile(program, `${text}evil`)
    const error = await failure(findSidecar({ cache, platform }))
    expect(error).toMatchObject({ kind: 'Invalid', final: true })
    expect(error.message).toContain(program)
  })

  it('is not run from a folder that is writable for others', async () => {
    await cached()
    await chmod((await cachePlace(cache, platform)).folder, 0o777)
    expect(await failure(findSidecar({ cache, platform }))).toMatchObject({ kind: 'Invalid', final: true })
  })

  it('that is not found is an error with advice', async () => {
    const error = await failure(findSidecar({ cache, platform }))
    expect(error).toMatchObject({ kind: 'Unavailable', final: true, details: { package: '@troupe/tsnet-linux-arm64' } })
    expect(error.message).toMatch(/@troupe\/tsnet-linux-arm64.*npx troupe-tsnet build.*TROUPE_TSNET/)
  })
})

describe('platforms', () => {
  it('are those that have a package', () => {
    expect(currentPlatform('darwin', 'arm64')).toBe('darwin-arm64')
  })

  it('without one are refused with the reason', () => {
    expect(() => currentPlatform('win32', 'x64')).toThrow(
      /not supported on win32-x64: its data socket is protected by the permissions of a folder/,
    )
    expect(() => currentPlatform('linux', 'riscv64')).toThrow(/built for linux-x64/)
  })
})
