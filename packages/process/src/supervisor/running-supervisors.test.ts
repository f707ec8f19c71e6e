import { describe, expect, it } from 'vitest'
import { processes } from '../api/processes.ts'
import { id, startApplication, type TestApplication } from './testing/application.ts'
import { watch } from './testing/watch.ts'

const { supervisors } = processes
const auto = { lifecycle: { auto_start: true, restart: { initial_delay: '1ms', jitter: 0 } } }

/** Settles when the process of that name is another one than `before`. */
async function successor(name: string, before: string): Promise<string> {
  for (;;) {
    const now = await processes.names.lookup(name)
    if (now !== undefined && now !== before) return now
    await new Promise(setImmediate)
  }
}

const pidOf = async (name: string) => String(await processes.names.lookup(name))

async function withWorkers(
  fields: Readonly<Record<string, unknown>>,
  more: Parameters<typeof startApplication>[0] = {},
): Promise<TestApplication> {
  return startApplication({ workers: { kind: 'process.supervisor', host: 'host', ...auto, ...fields }, ...more })
}

describe('process.supervisor', () => {
  it('runs its children under their names, and restarts the one that ended', async () => {
    await using app = await withWorkers({
      children: [
        { id: 'a', process: 'child', input: ['A'] },
        { id: 'b', process: 'child', input: ['B'] },
      ],
    })
    expect(app.supervisor.status(id('workers')).state).toBe('Running')
    const [a, b] = [await pidOf('app:workers/a'), await pidOf('app:workers/b')]
    expect(await supervisors.whichChildren('app:workers')).toMatchObject([
      { id: 'a', type: 'process', process: 'app:child', pid: a, restart: 'permanent' },
      { id: 'b', pid: b },
    ])
    await processes.send('app:workers/a', 'end')
    const next = await successor('app:workers/a', a)
    expect(await processes.call(next, 'hello')).toMatchObject({ args: ['A'] })
    expect(await pidOf('app:workers/b')).toBe(b)
  })

  it('with rest_for_one restarts those after it as well', async () => {
    const child = { process: 'child' }
    await using _ = await withWorkers({
      strategy: 'rest_for_one',
      children: [
        { id: 'a', ...child },
        { id: 'b', ...child },
        { id: 'c', ...child },
      ],
    })
    const [a, b, c] = [await pidOf('app:workers/a'), await pidOf('app:workers/b'), await pidOf('app:workers/c')]
    await processes.send('app:workers/b', 'fail', 'oops')
    await successor('app:workers/b', b)
    await successor('app:workers/c', c)
    expect(await pidOf('app:workers/a')).toBe(a)
  })

  it('fails with its service when there are too many restarts, and is restarted by the service', async () => {
    await using app = await withWorkers({ max_restarts: 0, children: [{ id: 'a', process: 'child' }] })
    await processes.send('app:workers/a', 'fail', 'oops')
    await app.states.until(id('workers'), 'Running', 2)
    expect(app.states.of(id('workers'))).toEqual(['Starting', 'Running', 'Failed', 'Starting', 'Running'])
    expect(app.log.join('\n')).toContain('app:workers gave up: more than 0 restarts in 5 s, the last for child a: oops')
    expect(await supervisors.countChildren('app:workers')).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 })
  })

  it('ends in order with its significant child', async () => {
    await using app = await withWorkers({
      auto_shutdown: 'any_significant',
      children: [
        { id: 'main', process: 'child', restart: 'transient', significant: true },
        { id: 'aide', process: 'child' },
      ],
    })
    const aide = await watch('app:workers/aide')
    await processes.send('app:workers/main', 'end')
    await app.states.until(id('workers'), 'Exited')
    expect(await aide.exit).toEqual({ value: 'stopped' })
    await expect(supervisors.whichChildren('app:workers')).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('terminates children that do not stop, each after its shutdown time', async () => {
    await using app = await withWorkers({
      children: [
        { id: 'soft', process: 'child' },
        { id: 'hard', process: 'stubborn', shutdown: '20ms' },
        { id: 'brutal', process: 'stubborn', shutdown: 'brutal_kill' },
      ],
    })
    const children = await Promise.all(['soft', 'hard', 'brutal'].map(async (name) => watch(`app:workers/${name}`)))
    await app.supervisor.stop(id('workers'))
    const exits = await Promise.all(children.map(async ({ exit }) => exit))
    expect(exits).toMatchObject([
      { value: 'stopped' },
      { error: { kind: 'Canceled' } },
      { error: { kind: 'Canceled' } },
    ])
  })

  it('can have supervisors as children, and treats their failure as that of a child', async () => {
    await using app = await withWorkers(
      {
        children: [
          { id: 'inner', process: 'team' },
          { id: 'c', process: 'child' },
        ],
      },
      {
        team: { kind: 'process.supervisor', host: 'host', max_restarts: 0, children: [{ id: 'x', process: 'child' }] },
      },
    )
    expect(app.supervisor.list().map((service) => service.id)).toEqual(['app:host', 'app:workers'])
    expect(await supervisors.whichChildren('app:workers')).toMatchObject([
      { id: 'inner', type: 'supervisor', supervisor: 'app:workers/inner' },
      {},
    ])
    expect(await supervisors.countChildren('app:workers')).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 })
    const x = await pidOf('app:workers/inner/x')
    await processes.send(x, 'fail', 'oops')
    await successor('app:workers/inner/x', x)
    expect(app.states.of(id('workers'))).toEqual(['Starting', 'Running'])
  })

  it('does not start when a child cannot start, and names it', async () => {
    await using app = await startApplication({
      workers: { kind: 'process.supervisor', ...auto, children: [{ id: 'a', process: 'child' }] },
    })
    const { state, error } = app.supervisor.status(id('workers'))
    expect(state).toBe('Exited')
    expect(error).toMatchObject({ kind: 'Invalid' })
    expect(error?.message).toContain('child a of app:workers did not start')
  })

  it('with invalid rules is reported by the check', async () => {
    await expect(
      withWorkers({
        children: [
          { id: 'a', process: 'child', significant: true },
          { id: 'a', process: 'child' },
        ],
      }),
    ).rejects.toThrow(/children\[0\]\.significant[\s\S]*children\[1\]\.id/)
  })
})

describe('children at run time', () => {
  it('are started, terminated, restarted and deleted', async () => {
    await using _ = await withWorkers({ children: [] })
    const started = await supervisors.startChild('app:workers', {
      id: 'new',
      process: 'app:child',
      input: [7],
      shutdown: '1s',
    })
    expect(await processes.call('app:workers/new', 'hi')).toMatchObject({ pid: started.pid, args: [7] })
    await supervisors.terminateChild('app:workers', 'new')
    expect(await supervisors.whichChildren('app:workers')).toMatchObject([{ id: 'new', pid: undefined }])
    const restarted = await supervisors.restartChild('app:workers', 'new')
    expect(restarted.pid).not.toBe(started.pid)
    await expect(supervisors.deleteChild('app:workers', 'new')).rejects.toMatchObject({ kind: 'Conflict' })
    await supervisors.terminateChild('app:workers', 'new')
    await supervisors.deleteChild('app:workers', 'new')
    expect(await supervisors.countChildren('app:workers')).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 })
  })

  it('are refused when they are invalid', async () => {
    await using _ = await withWorkers({ children: [] })
    await expect(supervisors.startChild('app:workers', { id: 'a b', process: 'app:child' })).rejects.toMatchObject({
      kind: 'Invalid',
    })
    await expect(supervisors.startChild('app:workers', { id: 'a', process: 'app:unknown' })).rejects.toMatchObject({
      kind: 'NotFound',
    })
    await expect(supervisors.startChild('app:workers', { id: 'a', process: 'app:host' })).rejects.toMatchObject({
      kind: 'Invalid',
    })
    await expect(supervisors.startChild('app:others', { id: 'a', process: 'app:child' })).rejects.toMatchObject({
      kind: 'NotFound',
    })
    expect(await supervisors.whichChildren('app:workers')).toEqual([])
  })
})

describe('partitions', () => {
  it('each run all children, and a key belongs to one of them', async () => {
    await using _ = await withWorkers({
      partitions: 3,
      children: [
        { id: 'cache', process: 'child' },
        { id: 'log', process: 'child' },
      ],
    })
    const caches = await Promise.all([0, 1, 2].map(async (number) => pidOf(`app:workers/${number}/cache`)))
    const picked = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => supervisors.partition('app:workers', `user-${index}`)),
    )
    expect(new Set(picked)).toEqual(new Set(caches))
    expect(await supervisors.partition('app:workers', 'user-7')).toBe(picked[7])
    const log = await supervisors.partition('app:workers', 'user-7', 'log')
    expect(log).toBe(await pidOf(`app:workers/${caches.indexOf(String(picked[7]))}/log`))
    expect(await supervisors.countChildren('app:workers')).toEqual({ specs: 3, active: 3, supervisors: 3, workers: 0 })
    await supervisors.startChild('app:workers/1', { id: 'extra', process: 'app:child' })
    await expect(supervisors.startChild('app:workers', { id: 'extra', process: 'app:child' })).rejects.toMatchObject({
      kind: 'Invalid',
    })
    await expect(supervisors.partition('app:workers/1', 'x')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(supervisors.partition('app:workers', 'x', 'unknown')).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('restart one by one', async () => {
    await using app = await withWorkers({ partitions: 2, max_restarts: 1, children: [{ id: 'w', process: 'child' }] })
    const other = await pidOf('app:workers/1/w')
    for (const _ of [1, 2]) {
      const before = await pidOf('app:workers/0/w')
      await processes.send(before, 'fail', 'oops')
      await successor('app:workers/0/w', before)
    }
    expect(await pidOf('app:workers/1/w')).toBe(other)
    expect(app.states.of(id('workers'))).toEqual(['Starting', 'Running'])
  })
})
