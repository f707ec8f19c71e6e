import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { findGo } from './go.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-go-'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** A Go that reports its version, and where its toolchain would be. */
async function installed(version: string): Promise<string> {
  const program = join(folder, 'go')
  const found = `echo '{"Dir":"${folder}/toolchain"}'`
  const module = `case "$*" in *golang.org/toolchain@v0.0.1-go1.26.*) ${found};; *) exit 1;; esac`
  await writeFile(
    program,
    `#!/bin/sh\n[ "$1" = version ] && { echo "go version go${version} linux/amd64"; exit; }\n${module}\n`,
    {
      mode: 0o755,
    },
  )
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
  return program
}

it('uses a Go that is new enough', async () => {
  const program = await installed('1.99.0')
  await expect(findGo()).resolves.toEqual({ program, environment: {} })
})

it('lets an older one download the required version', async () => {
  const program = await installed('1.21.3')
  await expect(findGo()).resolves.toEqual({ program, environment: { GOTOOLCHAIN: 'go1.26.8' } })
})

it('lets one without toolchains download it as a module, and creates its programs', async () => {
  await installed('1.19.8')
  const tools = join(folder, 'toolchain/pkg/tool/linux_amd64')
  await mkdir(join(folder, 'toolchain/bin'), { recursive: true })
  await mkdir(tools, { recursive: true })
  for (const file of [join(folder, 'toolchain/bin/go'), join(tools, 'compile')]) {
    await writeFile(file, '')
    await chmod(file, 0o444)
  }
  await expect(findGo()).resolves.toEqual({
    program: join(folder, 'toolchain/bin/go'),
    environment: { GOTOOLCHAIN: 'local', GOROOT: '' },
  })
})
