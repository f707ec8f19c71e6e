import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const repository = resolve(import.meta.dirname, '..')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

/** Runs a program and returns its output, also if it fails. */
async function outputOf(cwd: string, ...argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, argv, { cwd }).catch((error: unknown) => {
    if (typeof error === 'object' && error !== null && 'stdout' in error && 'stderr' in error) return error
    throw error
  })
  return `${String(stdout)}${String(stderr)}`
}

it('an application has types of ids, arguments, pids, messages and names, and they hold when it runs', async () => {
  const cache = join(repository, '.cache')
  mkdirSync(cache, { recursive: true })
  // Inside the repository, so that the compiler finds the packages.
  using folder = mkdtempDisposableSync(join(cache, 'typed-'))
  cpSync(join(import.meta.dirname, 'fixtures/typed'), folder.path, { recursive: true })
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { noEmit: true, composite: false, incremental: false },
    include: ['src', 'entries.d.ts'],
  }
  writeFileSync(join(folder.path, 'tsconfig.json'), JSON.stringify(config))
  expect(await outputOf(folder.path, troupe, 'types')).toBe('entries.d.ts: 5 entries\n')
  const said = await outputOf(folder.path, join(repository, 'node_modules/typescript/bin/tsc'), '--pretty', 'false')
  // The sources of the packages, which are compiled with it, know no entries.
  expect(said.split('\n').filter((line) => line.startsWith('src/'))).toEqual([])
  const ran = await outputOf(folder.path, troupe, 'run', '--exec', 'app:main')
  expect(ran).toContain('dead letter from')
  expect(ran).toContain('the receiver refused it: its payload does not fit at url')
})
