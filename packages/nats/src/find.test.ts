import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cachePlace } from '@troupe/tsnet/programs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findNatsServer } from './index.ts'
import { natsServer } from './program.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-nats-'))
  vi.stubEnv('TROUPE_NATS', '')
  vi.stubEnv('TROUPE_CACHE_DIR', folder)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

it('finds the server that the variable names', async () => {
  const path = join(folder, 'server')
  await writeFile(path, '#!/bin/sh\n', { mode: 0o755 })
  vi.stubEnv('TROUPE_NATS', path)
  const sha256 = createHash('sha256').update('#!/bin/sh\n').digest('hex')
  await expect(findNatsServer()).resolves.toEqual({ path, origin: 'path', sha256 })
})

it('builds and downloads nothing by itself, and names the package that has it, and what builds it', async () => {
  const finding = findNatsServer({ platform: 'linux-x64' })
  const details = { platform: 'linux-x64', package: '@troupe/nats-linux-x64' }
  await expect(finding).rejects.toMatchObject({ kind: 'Unavailable', final: true, details })
  await expect(finding).rejects.toThrow(
    /or build it with "npx troupe-nats build" \(needs Go\), or name it .* TROUPE_NATS/,
  )
})

it('does not run a built server that was changed since', async () => {
  const place = await cachePlace(folder, 'linux-x64', natsServer)
  await mkdir(place.folder, { recursive: true, mode: 0o700 })
  await writeFile(place.program, 'changed', { mode: 0o755 })
  await writeFile(place.checksum, `${'0'.repeat(64)}\n`)
  await expect(findNatsServer({ platform: 'linux-x64' })).rejects.toThrow(/is not the program that was built/)
})

it('pins the module, and needs no other Go than the other programs do', async () => {
  const text = await readFile(join(natsServer.folder, 'go.mod'), 'utf8')
  const other = await readFile(join(import.meta.dirname, '../../tsnet/sidecar/go.mod'), 'utf8')
  expect(text).toMatch(/^require github\.com\/nats-io\/nats-server\/v2 v2\.15\.3$/m)
  const versions = (module: string) => module.split('\n').filter((line) => /^(?:go|toolchain) /.test(line))
  expect(versions(text)).toEqual(versions(other))
})
