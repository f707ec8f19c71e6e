import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { processes } from '../index.ts'
import type { TestApp, WrittenEntry } from '../test/index.ts'
import { appFixture, appFixtures } from './index.ts'

const root = import.meta.dirname
const repository = join(root, '../../../..')
/** Here `troupe` is found, and nothing else looks for files. */
const cache = join(repository, '.cache')
const run = promisify(execFile)
const entries: readonly WrittenEntry[] = [
  { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } },
  { id: 'app:greeter', kind: 'process.ts', source: 'file://../embed/fixtures/service.ts', method: 'main' },
  {
    id: 'app:service',
    kind: 'process.service',
    process: 'greeter',
    host: 'host',
    input: ['hello'],
    lifecycle: { auto_start: true },
  },
]
const greet = async () => processes.call('app:service', 'name', 1)
const seen: TestApp[] = []

describe('appFixture', () => {
  const it = test.extend<{ app: TestApp }>({ app: appFixture({ root, entries }) })

  it('starts an application for the test', async ({ app }) => {
    seen.push(app)
    expect(await greet()).toBe('hello 1')
    await using probe = await app.probe({ name: 'ear' })
    await processes.send('ear', 'news', 2)
    expect((await probe.next()).payload).toBe(2)
    expect(app.app.config.networkService.stateDir).toContain('troupe-test-')
  })

  it('starts another one for the next, and has stopped the first', async ({ app }) => {
    const [first] = seen
    expect(app).not.toBe(first)
    expect(existsSync(join(first?.app.config.networkService.stateDir ?? '', '..'))).toBe(false)
    await expect(first?.run(greet)).rejects.toThrow('has stopped')
  })

  it('does not start where a test does not use it', async () => {
    await expect(greet()).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('two fixtures', () => {
  const it = test.extend<{ left: TestApp; right: TestApp }>({
    left: appFixture({ root, entries }),
    right: appFixture({ root, entries, override: { 'app:service': { input: ['bye'] } } }),
  })

  it('run side by side', async ({ left, right }) => {
    expect([await left.run(greet), await right.run(greet)]).toEqual(['hello 1', 'bye 1'])
    await expect(greet()).rejects.toMatchObject({ details: { reason: 'several' } })
  })
})

describe('appFixtures', () => {
  const it = test.extend(appFixtures({ root, entries, override: { 'app:service': { input: ['hi'] } } }))

  it('has options', async ({ app }) => {
    expect(await app.run(greet)).toBe('hi 1')
  })

  describe('that a suite overrides', () => {
    it.override({ appOptions: { overrides: ['app:service:input=[good morning]'] } })

    it('field by field', async ({ app }) => {
      expect(await app.run(greet)).toBe('good morning 1')
    })
  })
})

describe('options that a suite overrides', () => {
  const proxy = (port: number) => ({ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port })
  const it = test.extend(
    appFixtures({
      root,
      entries: [...entries, proxy(1)],
      sections: { network_service: { default_network: 'app:proxy' }, log: { level: 'warn' } },
    }),
  )

  describe('with another field of a section', () => {
    it.override({ appOptions: { sections: { log: { level: 'error' }, network_service: { drain_timeout: '7s' } } } })

    it('keep the others, so that the network stays', ({ app }) => {
      const { log, networkService } = app.app.config
      expect(log.level).toBe('error')
      expect(networkService).toMatchObject({ defaultNetwork: 'app:proxy', drainTimeout: 7000 })
      expect(networkService.stateDir).toContain('troupe-test-')
    })
  })

  describe('with entries', () => {
    it.override({ appOptions: { entries: [proxy(2), { ...proxy(3), id: 'app:another' }] } })

    it('keep the entries of other ids, and replace that of the same one', async ({ app }) => {
      expect(await app.run(greet)).toBe('hello 1')
      const ports = app.app.registry.find({ kind: 'network.socks5' }).map(({ id, fields }) => [id, fields])
      expect(ports).toMatchObject([
        ['app:another', { port: 3 }],
        ['app:proxy', { port: 2 }],
      ])
    })
  })
})

/** A folder with files of tests. */
function folderWith(files: Readonly<Record<string, string>>) {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempDisposableSync(join(cache, 'vitest-'))
  const all = {
    ...files,
    'vitest.config.mjs':
      'export default { test: { testTimeout: 180_000, hookTimeout: 180_000, teardownTimeout: 180_000 } }',
  }
  for (const [name, code] of Object.entries(all)) writeFileSync(join(folder.path, name), code)
  return folder
}

/** The environment without the variable by which Vitest marks its tests. */
function outer(): NodeJS.ProcessEnv {
  const { VITEST: _, ...env } = process.env
  return env
}

/** Runs Vitest on files of its own, and returns its report, and what it printed besides. */
async function vitest(files: Readonly<Record<string, string>>, ...options: readonly string[]) {
  using folder = folderWith(files)
  const program = join(repository, 'node_modules/vitest/vitest.mjs')
  const file = join(folder.path, 'report.json')
  const args = ['run', '--root', folder.path, '--reporter=json', `--outputFile=${file}`]
  const { stderr } = await run(process.execPath, [program, ...args, ...options], { env: outer() })
  const report: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return { report, stderr }
}

const file = (scope: string) => `
import { appFixture } from 'troupe/vitest'
import { processes } from 'troupe'
import { expect, test } from 'vitest'
const entries = ${JSON.stringify(entries)}
const it = test.extend({ app: [appFixture({ root: ${JSON.stringify(root)}, entries }), { scope: '${scope}' }] })
for (const turn of [1, 2]) it('turn ' + turn, async ({ app }) => {
  const count = await app.run(() => processes.call('app:service', 'name', 1))
  expect(count).toBe('hello 1')
})
it.fails('a test that fails', async ({ app }) => { throw new Error(String(app.log.length)) })
`

test('files run again in watch mode', async () => {
  const watch = `
    import { startVitest } from 'vitest/node'
    const vitest = await startVitest('test', [], { watch: true, root: import.meta.dirname, reporters: [{}] })
    const states = [vitest.state.getTestModules().map((module) => module.state())]
    for (const turn of [1, 2]) {
      await vitest.rerunFiles()
      states.push(vitest.state.getTestModules().map((module) => module.state()))
    }
    await vitest.close()
    console.log(JSON.stringify(states))`
  using folder = folderWith({ 'a.test.ts': file('test'), 'b.test.ts': file('file'), 'watch.mjs': watch })
  const { stdout } = await run(process.execPath, [join(folder.path, 'watch.mjs')], { env: outer() })
  const passed = ['passed', 'passed']
  expect(JSON.parse(stdout)).toEqual([passed, passed, passed])
})

test.each([['forks'], ['threads'], ['forks', '--no-isolate']])(
  'files run at the same time, in %s %s',
  async (pool, ...more) => {
    const files = { 'a.test.ts': file('test'), 'b.test.ts': file('file'), 'c.test.ts': file('file') }
    const { report, stderr } = await vitest(files, `--pool=${pool}`, ...more)
    expect(report).toMatchObject({ success: true, numPassedTests: 9, numTotalTests: 9 })
    // It ends by itself, and not because it was late.
    expect(stderr).not.toContain('close timed out')
  },
)
