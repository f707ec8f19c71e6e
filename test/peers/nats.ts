/** Real nats-servers, built from the module that `packages/nats/server` pins, on loopback. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findGo } from '@troupe/tsnet/build'
import { cache } from './built.ts'
import { ensureGo } from './go.ts'

/** The program, once it was built. */
export const natsProgram = join(cache, 'troupe-nats')

/** Builds it, unless it exists. The first time this takes a minute or two. */
export async function buildNats(): Promise<void> {
  await ensureGo()
  await mkdir(cache, { recursive: true })
  const { program: go, environment } = await findGo()
  // Not optimized: that takes half the time.
  const args = ['build', '-trimpath', '-gcflags', 'all=-N -l', '-ldflags', '-s -w', '-o', natsProgram, '.']
  await promisify(execFile)(go, args, {
    cwd: join(import.meta.dirname, '../../packages/nats/server'),
    env: { ...process.env, ...environment, CGO_ENABLED: '0' },
  })
  // Where the product finds it, for `servers: embedded`.
  process.env['TROUPE_NATS'] = natsProgram
}
