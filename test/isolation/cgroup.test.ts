/**
 * Limits by cgroups. Where these tests usually run, no controller of version 2 is available: a folder that looks like a
 * cgroup shows what is written. `packages/tsnet/launcher/cgroup_test.go` moves a real process into a real cgroup.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const variable = 'TROUPE_CGROUP'
let stack = new AsyncDisposableStack()
let folder = ''

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-cgroup-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const before = process.env[variable]
  stack.defer(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, variable)
    else process.env[variable] = before
  })
})
afterEach(async () => stack.disposeAsync())

async function start(limits: object): Promise<TestApp> {
  const app = await startApp({
    root: join(import.meta.dirname, '../fixtures/isolation'),
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'process', spares: 0, limits },
        lifecycle: { auto_start: true },
      },
      { id: 'app:look', kind: 'process.ts', source: 'file://programs.ts', method: 'look' },
    ],
  })
  stack.defer(async () => app.stop())
  await app.app.run(async () => processes.exec('app:look', 'app:host'))
  return app
}

const protectionIn = ({ app }: TestApp) => app.services().find(({ id }) => id === 'app:host')?.protection

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal && process.platform === 'linux')('a process of its own', () => {
  it('is put into a cgroup with its limits', async () => {
    process.env[variable] = folder
    await writeFile(join(folder, 'cgroup.controllers'), 'cpu memory pids')
    await writeFile(join(folder, 'cgroup.subtree_control'), 'cpu memory pids')
    const app = await start({ memory_mb: 64, cpus: 0.5, threads: 100, nice: 7 })
    const made = (await readdir(folder)).find((name) => name.startsWith('troupe-')) ?? ''
    const files = ['memory.max', 'cpu.max', 'pids.max', 'cpu.weight.nice']
    const values = await Promise.all(files.map(async (name) => readFile(join(folder, made, name), 'utf8')))
    expect(values).toEqual([String(320 << 20), '50000 100000', '100', '7'])
    expect(await readFile(join(folder, made, 'cgroup.procs'), 'utf8')).toMatch(/^\d+$/)
    const { cgroup = [], missing } = protectionIn(app) ?? {}
    expect(cgroup.toSorted()).toEqual(files.toSorted())
    expect(missing).toEqual([])
    expect(app.log.filter((line) => line.includes('resource limits'))).toEqual([])
  })

  it('has resource limits where there is none, which the log and the status say', async () => {
    process.env[variable] = folder
    const app = await start({ cpus: 1 })
    await app.app.run(async () => processes.exec('app:look', 'app:host'))
    const why = `no cgroup: the cgroup ${folder} has none of the controllers`
    expect(protectionIn(app)).toMatchObject({ cgroup: [], missing: [expect.stringContaining(why) as unknown] })
    const lines = app.log.filter((line) => line.includes('limits its processes by resource limits'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(why)
  })

  it('has the limits whose controllers there are', async () => {
    process.env[variable] = folder
    await writeFile(join(folder, 'cgroup.controllers'), 'memory pids')
    await writeFile(join(folder, 'cgroup.subtree_control'), 'pids')
    const app = await start({ cpus: 1 })
    expect(protectionIn(app)).toMatchObject({
      cgroup: ['pids.max'],
      missing: ['its cgroup has no controller for cpu.max, cpu.weight.nice'],
    })
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('there are no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
