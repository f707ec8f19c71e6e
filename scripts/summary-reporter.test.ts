import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const good = "import { expect, it } from 'vitest'\nit('holds', () => expect(1).toBe(1))\n"

/** Runs vitest on its own files, and returns its status and the last line that it printed. */
function run(files: Record<string, string>, config = ''): { status: number | null; lastLine: string | undefined } {
  mkdirSync(join(root, '.cache'), { recursive: true })
  using folder = mkdtempDisposableSync(join(root, '.cache/summary-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text)
  writeFileSync(join(folder.path, 'vitest.config.ts'), `export default { test: { ${config} } }\n`)
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/summary-reporter.ts')}`]
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder.path, ...reporters]
  const { status, stdout } = spawnSync(process.execPath, vitest, { encoding: 'utf8' })
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

it('counts tests by their result', () => {
  const bad = "import { expect, it } from 'vitest'\nit('fails', () => expect(1).toBe(2))\n"
  expect(run({ 'good.test.ts': good })).toEqual({ status: 0, lastLine: 'tests: 1 passed, 0 failed' })
  expect(run({ 'good.test.ts': good, 'bad.test.ts': bad })).toEqual({
    status: 1,
    lastLine: 'tests: 1 passed, 1 failed',
  })
})

it('counts what could not run as failed', () => {
  const unloadable = "import './absent.ts'\n"
  const hook =
    `import { beforeAll, describe } from 'vitest'\ndescribe('s', () => {\n` +
    `beforeAll(() => { throw new Error('hook') })\n${good.split('\n')[1]}\n})\n`
  expect(run({ 'good.test.ts': good, 'load.test.ts': unloadable })).toEqual({
    status: 1,
    lastLine: 'tests: 1 passed, 1 failed',
  })
  expect(run({ 'hook.test.ts': hook.replace('describe }', 'describe, expect, it }') })).toEqual({
    status: 1,
    lastLine: 'tests: 0 passed, 1 failed',
  })
})

it('counts an error that no test caught, a global setup that throws, and a run without tests as failed', () => {
  const stray = `${good}it('strays', () => { void Promise.reject(new Error('stray')); expect(1).toBe(1) })\n`
  const setup = "export default () => { throw new Error('no peers') }\n"
  expect(run({ 'stray.test.ts': stray })).toEqual({ status: 1, lastLine: 'tests: 2 passed, 1 failed' })
  expect(run({ 'good.test.ts': good, 'setup.ts': setup }, "globalSetup: ['./setup.ts']")).toEqual({
    status: 1,
    lastLine: 'tests: 0 passed, 1 failed',
  })
  expect(run({})).toEqual({ status: 1, lastLine: 'tests: 0 passed, 1 failed' })
})
