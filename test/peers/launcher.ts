/** The launcher of `isolation: process` for tests, kept in `.cache`. */
import { join } from 'node:path'
import { buildLauncher } from '@troupe/tsnet/build'
import { ensureGo } from './go.ts'

const cache = join(import.meta.dirname, '../../.cache')

/** Builds it, unless it exists, and makes the product's look-up find it. Takes seconds. */
export async function useLauncher(): Promise<void> {
  await ensureGo()
  const { path } = await buildLauncher({ cache })
  process.env['TROUPE_LAUNCHER'] = path
}
