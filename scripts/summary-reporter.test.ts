import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type DisposableTempDir, existsSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const good = "import { expect, it } from 'vitest'\nit('holds', () => expect(1).toBe(1))\n"

/** Runs vitest on its own files, and returns its status and the last line that it printed. */
function run(files: Record<string, string>, config = ''): { status: number | null; lastLine: string | undefined } {
  using folder = folderWith(files, config)
  const { status, stdout } = spawnSync(process.execPath, vitest(folder.path), { encoding: 'utf8' })
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

function folderWith(files: Record<string, string>, config = ''): DisposableTempDir {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempDisposableSync(join(root, '.cache/summary-'))
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder.path, name), source)
  writeFileSync(join(folder.path, 'vitest.config.ts'), `export default { test: { ${config} } }\n`)
  return folder
}

function vitest(folder: string): readonly string[] {
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/summary-reporter.ts')}`]
  return [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, ...reporters]
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

it('names the files that run when a signal ends the run, and counts what has ended', async () => {
  const endless =
    "import { writeFileSync } from 'node:fs'\nimport { it } from 'vitest'\n" +
    "it('hangs', async () => { writeFileSync('started', ''); await new Promise(() => {}) }, 600_000)\n"
  using folder = folderWith({ 'good.test.ts': good, 'hangs.test.ts': endless }, 'maxWorkers: 1')
  const program = spawn(process.execPath, vitest(folder.path), { cwd: folder.path })
  const output = text(program.stdout)
  await expect.poll(() => existsSync(join(folder.path, 'started'))).toBe(true)
  program.kill()
  expect(await once(program, 'exit')).toEqual([143, null])
  expect(await output).toMatch(/ended after \d+ s: hangs\.test\.ts\n[^]*tests: \d passed, 1 failed\n$/)
})
