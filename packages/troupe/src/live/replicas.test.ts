import { describe, expect, it } from 'vitest'
import { processes, registry } from '../index.ts'
import { startApp, type TestApp, type WrittenEntry } from '../test/index.ts'

const host: WrittenEntry = { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } }
const program: WrittenEntry = {
  id: 'app:program',
  kind: 'process.ts',
  source: 'file://../test/fixtures/workers/worker.ts',
  method: 'worker',
}
const service = (replicas: number, more: object = {}): WrittenEntry => ({
  id: 'app:worker',
  kind: 'process.service',
  process: 'program',
  host: 'host',
  replicas,
  lifecycle: { auto_start: true, restart: { initial_delay: '5s', jitter: 0 }, stable_threshold: '1m' },
  ...more,
})

const start = async (replicas: number, more: object = {}) =>
  startApp({ root: import.meta.dirname, entries: [host, program, service(replicas, more)] })

const statesOf = (app: TestApp) => app.service('app:worker').replicas?.map(({ name, state }) => `${name} ${state}`)
const pidsOf = async (app: TestApp) => {
  await using probe = await app.probe()
  return await probe.run(async () => processes.groups.members('app:worker'))
}

describe('a service with replicas', () => {
  it('gives each a process, a name and a group, and sends by turns under the name of the service', async () => {
    await using app = await start(3)
    await using probe = await app.probe()
    expect(statesOf(app)).toEqual(['app:worker/0 Running', 'app:worker/1 Running', 'app:worker/2 Running'])
    const pids = await pidsOf(app)
    expect(new Set(pids).size).toBe(3)
    const named = await probe.run(async () =>
      Promise.all([0, 1, 2].map(async (index) => processes.names.lookup(`app:worker/${index}`))),
    )
    expect(named).toEqual(pids)
    const replies: unknown[] = []
    for (let turn = 0; turn < 6; turn += 1)
      replies.push(await probe.run(async () => processes.call('app:worker', 'who')))
    expect(replies).toEqual([...pids, ...pids])
    expect(await probe.run(async () => processes.groups.broadcast('app:worker', 'who'))).toEqual({
      delivered: 3,
      refused: 0,
    })
  })

  it('restarts one of them after its own delay, while the others continue', async () => {
    await using app = await start(2)
    await using probe = await app.probe()
    const [first = '', second] = await pidsOf(app)
    const exit = probe.run(async () => processes.exited(first))
    await probe.run(async () => processes.send('app:worker/0', 'fail'))
    expect(await exit).toMatchObject({ error: { message: 'failed on purpose' } })
    // Its delay begins when the supervisor knows it.
    await expect.poll(() => statesOf(app)).toContain('app:worker/0 Failed')
    await app.clock.advance('4s')
    expect(statesOf(app)).toEqual(['app:worker/0 Failed', 'app:worker/1 Running'])
    expect(await probe.run(async () => processes.call('app:worker', 'who'))).toBe(second)
    expect(await probe.run(async () => processes.call('app:worker', 'who'))).toBe(second)
    await app.clock.advance('1s')
    expect(statesOf(app)).toEqual(['app:worker/0 Running', 'app:worker/1 Running'])
    expect(app.service('app:worker').state).toBe('Running')
    expect(await pidsOf(app)).toEqual([second, expect.not.stringMatching(first)])
  })

  it('gets more or fewer while it runs: the others keep their pids', async () => {
    await using app = await start(2)
    await using probe = await app.probe()
    const scaleTo = async (replicas: number) => {
      const { kind: _, ...fields } = service(replicas)
      await probe.run(async () => registry.apply([{ op: 'update', entry: { ...fields, kind: 'process.service' } }]))
      return pidsOf(app)
    }
    const before = await pidsOf(app)
    const more = await scaleTo(4)
    expect(more.slice(0, 2)).toEqual(before)
    expect(new Set(more).size).toBe(4)
    expect(await scaleTo(1)).toEqual(before.slice(0, 1))
    expect(await scaleTo(0)).toEqual([])
    expect(app.service('app:worker').state).toBe('Running')
    await expect(probe.run(async () => processes.send('app:worker', 'who'))).rejects.toMatchObject({ kind: 'NotFound' })
    expect(await scaleTo(2)).toHaveLength(2)
  })

  it('has ended when each of them has', async () => {
    await using app = await start(2)
    await using probe = await app.probe()
    await probe.run(async () => processes.send('app:worker/0', 'return'))
    await probe.run(async () => processes.send('app:worker/1', 'return'))
    await app.until('app:worker', 'Exited')
    expect(app.service('app:worker').error).toBeUndefined()
    expect(await pidsOf(app)).toEqual([])
  })

  it('stops all of them', async () => {
    await using app = await start(2)
    await app.app.stopService(app.service('app:worker').id)
    expect(app.service('app:worker')).toMatchObject({ state: 'Stopped', replicas: [] })
    expect(await pidsOf(app)).toEqual([])
    await app.app.start(app.service('app:worker').id)
    expect(await pidsOf(app)).toHaveLength(2)
  })

  it('fails when none starts', async () => {
    await using app = await startApp({
      root: import.meta.dirname,
      entries: [host, program, service(2), service(2, { id: 'app:other', name: 'app:worker' })],
    })
    const states = [app.service('app:worker'), app.service('app:other')].map(({ state }) => state)
    expect(states.toSorted()).toEqual(['Failed', 'Running'])
  })

  it('has no process for each network in addition', async () => {
    await expect(start(2, { network: 'per_sender' })).rejects.toThrow('replicas: a service with "network: per_sender"')
  })
})
