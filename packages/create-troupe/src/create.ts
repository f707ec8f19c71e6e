/** Creates an application in a folder: the current one, or the one that is named. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createApplication, nextSteps } from '@troupe/cli/init'
import { asTroupeError } from '@troupe/core'

const usage = `Usage: npm create troupe@latest [dir]

Writes a new application into a folder, or adds one to the project there. Existing files stay as they are.

  --from DIR   installs packed packages from a folder instead of the published ones`

/** Returns the exit status. */
export function create(argv: readonly string[]): number {
  try {
    const options = { from: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const [folder = '.', other] = positionals
    if (values.help === true || other !== undefined) {
      process.stdout.write(`${usage}\n`)
      return other === undefined ? 0 : 2
    }
    const created = createApplication({ folder: resolve(folder), version: ownVersion(), from: values.from })
    process.stdout.write(`${nextSteps(created)}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`create-troupe: ${asTroupeError(error).message}\n`)
    return 1
  }
}

/** All packages of Troupe are published with one version. */
function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version)
  throw new Error('create-troupe has no version')
}
