import { describe, expect, it } from 'vitest'
import { processes } from '../index.ts'
import { startApp, type WrittenEntry } from './index.ts'

const root = import.meta.dirname
const host: WrittenEntry = { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } }
const greeter: WrittenEntry = {
  id: 'app:greeter',
  kind: 'process.ts',
  source: 'file://fixtures/app/src/greeter.ts',
  method: 'greeter',
}
const service: WrittenEntry = {
  id: 'app:service',
  kind: 'process.service',
  process: 'greeter',
  host: 'host',
  input: ['ear'],
  lifecycle: { auto_start: true, restart: { initial_delay: '5s', jitter: 0 }, stable_threshold: '1m' },
}

describe('a probe', () => {
  it('receives messages, replies, and is monitored like any process', async () => {
    await using app = await startApp({ root, entries: [host, greeter] })
    await using probe = await app.probe({ name: 'ear' })
    const pid = await probe.spawn('app:greeter', 'app:host', 'ear')
    await probe.run(async () => processes.send(pid, 'name', 'world'))
    const message = await probe.next({ topic: 'greeting' })
    expect(message).toMatchObject({ payload: 'hello world', from: pid })

    const asked = processes.call('ear', 'question', 1)
    ;(await probe.next()).reply(2)
    expect(await asked).toBe(2)

    await processes.send(pid, 'fail', 'oops')
    expect(await probe.event('EXIT')).toMatchObject({ from: pid, result: { error: { message: 'oops' } } })
    expect(probe.events).toHaveLength(1)
    const exit = processes.exited(probe.pid)
    await probe.end('bye')
    expect(await exit).toEqual({ value: 'bye' })
    expect(await processes.names.lookup('ear')).toBeUndefined()
  })

  it('reports what it waited for at a timeout', async () => {
    await using app = await startApp({ root, entries: [host] })
    await using probe = await app.probe()
    await expect(probe.next({ topic: 'news', timeout: 1 })).rejects.toMatchObject({ kind: 'Timeout' })
    await expect(probe.event('LINK_DOWN', { timeout: 1 })).rejects.toThrow('no LINK_DOWN arrived')
  })

  it('can be cancelled, linked and terminated', async () => {
    await using app = await startApp({ root, entries: [host, greeter] })
    await using probe = await app.probe()
    const pid = await probe.spawn('app:greeter', 'app:host', 'missing')
    await probe.run(async () => {
      const { self } = await import('../index.ts')
      self.setOptions({ trapLinks: true })
      await processes.link(pid)
    })
    await processes.terminate(pid)
    expect(await probe.event('LINK_DOWN')).toMatchObject({ from: pid, error: { kind: 'Canceled' } })
    await processes.cancel(probe.pid, 'enough')
    expect(await probe.event('CANCEL')).toMatchObject({ reason: 'enough' })
    await processes.terminate(probe.pid)
    await expect(processes.send(probe.pid, 'late')).rejects.toMatchObject({ kind: 'NotFound' })
  })
})

describe('the default network of the application', () => {
  const entries: readonly WrittenEntry[] = [
    host,
    greeter,
    { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 1 },
  ]
  const set = ['network_service.default_network=app:proxy']

  it('applies to what a probe spawns, whose messages the probe accepts', async () => {
    await using app = await startApp({ root, entries, set })
    await using probe = await app.probe({ name: 'ear' })
    const pid = await probe.spawn('app:greeter', 'app:host', 'ear')
    await probe.run(async () => processes.send(pid, 'name', 'world'))
    const { from, payload, frame } = await probe.next({ topic: 'greeting' })
    expect([from, payload, frame.overlay ?? null]).toEqual([pid, 'hello world', null])
  })

  it('exists before services that run in it start', async () => {
    const pinned = { ...greeter, id: 'app:pinned', meta: { options: { network: null } } }
    const started = { lifecycle: { auto_start: true } }
    // The server listens in the clear network; its handlers send by the default network, unless they reply by the same.
    const web = { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', network: null }
    await using app = await startApp({
      root,
      entries: [
        ...entries,
        pinned,
        { ...service, ...started },
        { ...service, ...started, id: 'app:direct', process: 'pinned' },
        {
          id: 'app:team',
          kind: 'process.supervisor',
          host: 'host',
          children: [{ id: 'a', process: 'greeter', input: ['ear'] }],
          ...started,
        },
        { ...web, ...started },
        { ...web, ...started, id: 'app:local', reply_via: 'same' },
      ],
      set,
    })
    for (const id of ['app:service', 'app:direct', 'app:team', 'app:web', 'app:local'])
      expect(app.service(id)).toMatchObject({ state: 'Running', attempts: 0 })
    const at = (line: string) => app.log.findIndex((text) => text.startsWith(line))
    for (const id of ['app:service', 'app:team', 'app:web'])
      expect(at(`${id} Starting`)).toBeGreaterThan(at('app:proxy Running'))
    expect(app.log.filter((line) => line.includes('Failed'))).toEqual([])
  })

  it('is refused by a probe that accepts nothing', async () => {
    await using app = await startApp({ root, entries, set })
    await using probe = await app.probe({ name: 'ear', accepts: [] })
    const pid = await probe.spawn('app:greeter', 'app:host', 'ear')
    await probe.run(async () => processes.send(pid, 'name', 'world'))
    expect(await probe.event('EXIT')).toMatchObject({
      from: pid,
      result: { error: { kind: 'PermissionDenied', details: { code: 'ENETWORK' } } },
    })
  })
})

describe('the virtual clock', () => {
  it('delays restarts until it is advanced', async () => {
    await using app = await startApp({ root, entries: [host, greeter, service] })
    await app.until('app:service', 'Running')
    await processes.send('app:service', 'fail', 'oops')
    await app.until('app:service', 'Failed')
    await app.clock.advance('4999ms')
    expect(app.service('app:service')).toMatchObject({ state: 'Failed', attempts: 1, error: { message: 'oops' } })
    await app.clock.advance(1)
    await app.until('app:service', 'Running')
    expect(app.service('app:service').attempts).toBe(1)
    await app.clock.advance('1m')
    expect(app.service('app:service').attempts).toBe(0)
    expect(app.log).toContain('WARN app:service Failed: Error: oops { failures: 1 }')
  })

  it('does not go back', async () => {
    await using app = await startApp({ root, entries: [host] })
    await expect(app.clock.advance('-1s')).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

it('invalid entries are reported at the start', async () => {
  await expect(startApp({ root, entries: [service] })).rejects.toMatchObject({ kind: 'Invalid' })
})
