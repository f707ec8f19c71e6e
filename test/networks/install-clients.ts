/** Installs the clients that only the tests of networks use, if they are missing or outdated. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const folder = join(import.meta.dirname, 'clients')

export default async function setup(): Promise<void> {
  const changed = async (file: string) => (await stat(join(folder, file)).catch(() => undefined))?.mtimeMs ?? 0
  if ((await changed('node_modules/.package-lock.json')) > (await changed('package-lock.json'))) return
  // Without native addons, which are optional: none runs in an overlay.
  await promisify(execFile)('npm', ['ci'], { cwd: folder })
}
