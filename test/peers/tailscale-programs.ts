/**
 * The programs of a tailnet for tests: the sidecar, the coordination server, and the peer of the benchmark. Kept in
 * `.cache`.
 */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildSidecar, findGo, readBuildTags } from '@troupe/tsnet/build'
import { ensureGo } from './go.ts'

const run = promisify(execFile)
const cache = join(import.meta.dirname, '../../.cache')

/** The coordination server: see `tcontrol/main.go`. */
export const tailnetProgram = join(cache, 'peers/tcontrol')
/** Two of these measure tsnet without Node: see `tcontrol/native/main.go`. */
export const nativeProgram = join(cache, 'peers/tsnet-native')

/**
 * Builds them all, unless they exist, and makes the product's look-up find this sidecar. The first time this takes
 * minutes.
 */
export async function buildTailscale(): Promise<void> {
  await ensureGo()
  const { path } = await buildSidecar({ cache })
  process.env['TROUPE_TSNET'] = path
  await mkdir(join(cache, 'peers'), { recursive: true })
  await buildPeer('.', tailnetProgram)
  await buildPeer('./native', nativeProgram)
}

/** With the build tags of the sidecar, so that shared packages are compiled once. */
async function buildPeer(folder: string, output: string): Promise<void> {
  const { program, environment } = await findGo()
  const args = ['build', '-trimpath', '-tags', await readBuildTags(), '-ldflags', '-s -w', '-o', output, folder]
  await run(program, args, {
    cwd: join(import.meta.dirname, 'tcontrol'),
    env: { ...process.env, ...environment, CGO_ENABLED: '0' },
  })
}
