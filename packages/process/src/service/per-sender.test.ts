import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from '../api/processes.ts'
import { type Entries, id, startApplication, type TestApplication } from '../supervisor/testing/application.ts'

const host = 'app:host'
const proxy = { kind: 'network.socks5', host: '127.0.0.1', port: 9 }
const overlays: Entries = { one: proxy, two: proxy, tor: { ...proxy, isolate: 'process' } }
const service = {
  kind: 'process.service',
  process: 'child',
  host: 'host',
  input: ['x'],
  network: 'per_sender',
  lifecycle: { auto_start: true, restart: { initial_delay: '1ms', jitter: 0 } },
}

const start = async (fields: Readonly<Record<string, unknown>> = {}, more: Entries = {}): Promise<TestApplication> =>
  startApplication({ ...overlays, store: { ...service, ...fields }, ...more })

/** The service's reply to a sender in a network, including its pid. */
async function asked(
  network: string | null,
  to = 'app:store',
  topic = 'hello',
): Promise<{ readonly pid: string; readonly args: unknown }> {
  const answer: unknown = await processes.withOptions({ network }).exec('app:ask', host, to, topic)
  if (typeof answer !== 'object' || answer === null || !('pid' in answer) || !('args' in answer))
    throw new Error('no answer')
  return { pid: String(answer.pid), args: answer.args }
}

/** Settles when a sender in that network reaches another process than `before`. */
async function successor(network: string, before: string): Promise<string> {
  for (;;) {
    const now = await asked(network).catch(() => undefined)
    if (now !== undefined && now.pid !== before) return now.pid
    await new Promise(setImmediate)
  }
}

const running = (app: TestApplication) =>
  [...app.kernel.processes.all()].filter(({ entry }) => entry === 'app:child').length

describe('a service with network: per_sender', () => {
  it('runs a process for each network, started by the first message to its name there', async () => {
    await using app = await start()
    expect(app.supervisor.status(id('store')).state).toBe('Running')
    expect(running(app)).toBe(0)
    const [clear, one, two] = [await asked(null), await asked('app:one'), await asked('app:two')]
    expect(new Set([clear.pid, one.pid, two.pid]).size).toBe(3)
    expect(one.args).toEqual(['x'])
    expect(await asked('app:one')).toEqual(one)
    expect(await processes.names.lookup('app:store')).toBe(clear.pid)
    expect(running(app)).toBe(3)
    for (const [{ pid }, overlay] of [
      [clear, null],
      [one, 'app:one'],
      [two, 'app:two'],
    ] as const) {
      const record = app.kernel.processes.get(pid as never)
      expect(record?.frame.overlay).toBe(overlay)
    }
  })

  it('starts only one process for simultaneous messages', async () => {
    await using app = await start()
    const answers = await Promise.all(Array.from({ length: 4 }, async () => asked('app:one')))
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1)
    expect(running(app)).toBe(1)
  })

  it('restarts a process that failed, and no other', async () => {
    await using app = await start()
    const [one, two] = [await asked('app:one'), await asked('app:two')]
    await expect(asked('app:one', 'app:store', 'fail')).rejects.toBeInstanceOf(Error)
    const next = await successor('app:one', one.pid)
    expect(next).not.toBe(one.pid)
    expect(await asked('app:two')).toEqual(two)
    expect(app.kernel.processes.get(next as never)?.frame.overlay).toBe('app:one')
  })

  it('ends an idle process; the next message starts another', async () => {
    await using app = await start({ idle_timeout: '50ms' })
    const { pid } = await asked('app:one')
    // On a busy machine it has ended before it is watched.
    await processes.exited(pid).catch((error: unknown) => expect(error).toMatchObject({ kind: 'NotFound' }))
    expect(await successor('app:one', pid)).not.toBe(pid)
    expect(app.supervisor.status(id('store')).state).toBe('Running')
  })

  it('has processes for a limited number of isolation keys', async () => {
    await using _ = await start({ max_isolation_keys: 2 })
    const pids = [await asked('app:tor'), await asked('app:tor')].map(({ pid }) => pid)
    expect(new Set(pids).size).toBe(2)
    await expect(asked('app:tor')).rejects.toMatchObject({
      kind: 'RateLimited',
      details: { service: 'app:store', maxIsolationKeys: 2 },
    })
    expect((await asked('app:one')).pid).toBeDefined()
  })

  it('needs a host that gives each process a thread', async () => {
    await using app = await start(
      { host: 'crowd', lifecycle: {} },
      { crowd: { kind: 'process.host', host: { isolation: 'shared', workers: 1 }, lifecycle: { auto_start: true } } },
    )
    expect((await app.supervisor.start(id('store'))).error).toMatchObject({
      kind: 'Invalid',
      details: { host: 'app:crowd' },
    })
  })

  it('owns its name', async () => {
    await using app = await start({ name: 'store' }, { other: { ...service, name: 'store', lifecycle: {} } })
    const taken = { kind: 'AlreadyExists', details: { name: 'store' } }
    expect((await app.supervisor.start(id('other'))).error).toMatchObject(taken)
    await expect(processes.withName('store').spawn('app:child', host)).rejects.toMatchObject(taken)
    const pid = await processes.withName('mine').spawn('app:child', host)
    await expect(processes.names.register('store', pid)).rejects.toMatchObject(taken)
    expect(await processes.call('store', 'hello')).toMatchObject({ args: ['x'] })
  })

  it('ends with its processes when it is stopped', async () => {
    await using app = await start()
    const { pid } = await asked('app:one')
    const ended = processes.exited(pid)
    // This message comes after the watch, so its reply shows that the watch is set.
    await processes.call(pid, 'watched')
    await app.supervisor.stop(id('store'))
    expect(await ended).toEqual({ value: 'stopped' })
    await expect(asked('app:one')).rejects.toMatchObject({ kind: 'NotFound' })
    await app.supervisor.start(id('store'))
    expect((await asked('app:one')).pid).not.toBe(pid)
  })

  it('does not restart a process whose overlay is gone; starts one when an overlay of that id is added', async () => {
    await using app = await start()
    const one = entryId('app:one')
    const { pid } = await asked('app:one')
    const network = app.kernel.networks.ofProcess({ ...app.kernel.frames.empty, overlay: one })
    await app.kernel.overlays.remove(one)
    app.kernel.networks.removed(one)
    expect(app.kernel.networks.isCurrent(network)).toBe(false)
    await app.kernel.overlays.add(one)
    expect(app.kernel.networks.isCurrent(network)).toBe(false)
    expect((await asked('app:one')).pid).not.toBe(pid)
  })
})
