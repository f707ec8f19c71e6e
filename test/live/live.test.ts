import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes, registry, security } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'
import { startProxy, startWeb } from './socks-proxy.ts'

const root = join(import.meta.dirname, '../fixtures/live')
const host: WrittenEntry = {
  id: 'app:host',
  kind: 'process.host',
  host: { spares: 0 },
  lifecycle: { auto_start: true },
}
const client: WrittenEntry = { id: 'app:client', kind: 'process.ts', source: 'file://programs.ts', method: 'client' }
const waiter: WrittenEntry = { id: 'app:waiter', kind: 'process.ts', source: 'file://programs.ts', method: 'waiter' }
const proxyAt = (port: number) => ({ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port })

describe('an overlay', () => {
  it('uses an update for later dials, and keeps the old overlay after a bad update', async () => {
    await using web = await startWeb()
    await using first = await startProxy()
    await using second = await startProxy()
    await using app = await startApp({ root, entries: [host, client, proxyAt(first.port)] })
    await using probe = await app.probe()
    const pid = await probe.run(async () =>
      processes.withOptions({ network: 'app:proxy' }).spawn('app:client', 'app:host'),
    )
    const get = async () => processes.call(pid, 'get', web.url)
    expect(await get()).toBe('ok')
    expect([first.dials, second.dials]).toEqual([1, 0])
    await registry.apply([{ op: 'update', entry: proxyAt(second.port) }])
    expect(await get()).toBe('ok')
    expect([first.dials, second.dials]).toEqual([1, 1])
    await expect(registry.apply([{ op: 'update', entry: { ...proxyAt(second.port), prot: 1 } }])).rejects.toThrow(
      'did you mean "port"?',
    )
    await expect(registry.apply([{ op: 'update', entry: { ...proxyAt(0) } }])).rejects.toMatchObject({
      kind: 'Invalid',
    })
    await expect(registry.apply([{ op: 'update', entry: { ...proxyAt(1), kind: 'network.socks' } }])).rejects.toThrow(
      'network.socks5',
    )
    await expect(registry.apply([{ op: 'update', entry: proxyAt(1) }])).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'app:proxy: the update is refused, and nothing was changed: the proxy cannot be reached: ECONNREFUSED',
    })
    expect(await get()).toBe('ok')
    await registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])
    expect(await get()).toMatch(/^NotFound: .*there is no overlay app:proxy$/)
    expect([first.dials, second.dials]).toEqual([1, 1])
    await registry.apply([{ op: 'create', entry: proxyAt(first.port) }])
    // An overlay that is created again is another network: a process of the former one does not continue in it.
    expect(await get()).toMatch(/^Unavailable: .*start the process again$/)
    expect(app.app.service(entryId('app:proxy')).state).toBe('Running')
  })
})

describe('a host', () => {
  it('that is updated gets new processes; those in the old one continue there', async () => {
    await using app = await startApp({ root, entries: [host, waiter] })
    await using probe = await app.probe()
    const spawn = async () => probe.run(async () => processes.spawn('app:waiter', 'app:host', 'waits'))
    const before = await spawn()
    await registry.apply([{ op: 'update', entry: { ...host, host: { spares: 0, max_processes: 1 } } }])
    const after = await spawn()
    await expect(spawn()).rejects.toMatchObject({ kind: 'Unavailable' })
    expect(await Promise.all([before, after].map(async (pid) => processes.call(pid, 'are you there?')))).toEqual([
      'waits',
      'waits',
    ])
  })

  it.each([
    ['stackSizeMb', 0.1],
    ['maxOldGenerationSizeMb', 2],
  ])('with limits that would end the program is refused, and everything continues: %s', async (name, size) => {
    await using app = await startApp({ root, entries: [host, waiter] })
    await using probe = await app.probe()
    const small = { ...host, id: 'app:small', host: { resource_limits: { [name]: size } } }
    for (const change of [
      { op: 'create', entry: small },
      { op: 'update', entry: { ...small, id: 'app:host' } },
    ] as const) {
      await expect(registry.apply([change])).rejects.toMatchObject({
        kind: 'Invalid',
        message: expect.stringContaining(
          `host.resource_limits.${name}: a thread does not start with ${size}`,
        ) as unknown,
      })
    }
    expect(
      await probe.run(async () => processes.call(await processes.spawn('app:waiter', 'app:host', 'waits'), 'who')),
    ).toBe('waits')
  })

  it('that is deleted cancels its processes, and ends them', async () => {
    await using app = await startApp({ root, entries: [host, waiter] })
    await using probe = await app.probe()
    const pid = await probe.spawn('app:waiter', 'app:host', 'waits')
    await registry.apply([{ op: 'delete', entry: { id: 'app:host' } }])
    await expect(probe.run(async () => processes.spawn('app:waiter', 'app:host', 'x'))).rejects.toThrow(
      'there is no host app:host',
    )
    expect(await probe.event('EXIT')).toMatchObject({ from: pid, result: { value: undefined } })
  })
})

describe('a service', () => {
  const service: WrittenEntry = {
    id: 'app:service',
    kind: 'process.service',
    process: 'waiter',
    host: 'host',
    input: ['one'],
    lifecycle: { auto_start: true },
  }

  it('is added, changed and removed', async () => {
    await using app = await startApp({ root, entries: [host, waiter] })
    await using probe = await app.probe()
    const ask = async () => probe.run(async () => processes.call('app:service', 'who?'))
    const before = await registry.version()
    await registry.apply([{ op: 'create', entry: service }])
    expect(await ask()).toBe('one')
    await registry.apply([{ op: 'update', entry: { ...service, input: ['two'] } }])
    expect(await ask()).toBe('two')
    await expect(registry.apply([{ op: 'delete', entry: { id: 'app:host' } }])).rejects.toThrow(
      'app:service: host: there is no entry app:host',
    )
    expect(await ask()).toBe('two')
    await registry.apply(['app:host', 'app:service'].map((id) => ({ op: 'delete', entry: { id } })))
    await expect(ask()).rejects.toMatchObject({ kind: 'NotFound' })
    expect(app.app.services().map(({ id }) => id)).not.toContain('app:service')
    await registry.rollback(before)
    expect(app.app.services().map(({ id }) => id)).toEqual(['app:host'])
  })
})

describe('a supervisor of processes', () => {
  it('is added, changes its children, and is removed', async () => {
    const group = (...names: readonly string[]): WrittenEntry => ({
      id: 'app:group',
      kind: 'process.supervisor',
      host: 'host',
      children: names.map((name) => ({ id: name, process: 'waiter', input: [name] })),
      lifecycle: { auto_start: true },
    })
    await using app = await startApp({ root, entries: [host, waiter] })
    await using probe = await app.probe()
    const ask = async (name: string) => probe.run(async () => processes.call(`app:group/${name}`, 'who?'))
    await registry.apply([{ op: 'create', entry: group('a') }])
    expect(await ask('a')).toBe('a')
    await registry.apply([{ op: 'update', entry: group('a', 'b') }])
    expect(await Promise.all([ask('a'), ask('b')])).toEqual(['a', 'b'])
    await registry.apply([{ op: 'delete', entry: { id: 'app:group' } }])
    await expect(ask('b')).rejects.toMatchObject({ kind: 'NotFound' })
    expect(app.app.services().map(({ id }) => id)).toEqual(['app:host'])
  })
})

describe('the default overlay', () => {
  it('can be updated, but not deleted', async () => {
    const set = ['network_service.default_network=app:proxy']
    await using proxy = await startProxy()
    await using app = await startApp({ root, entries: [proxyAt(1)], set })
    await expect(registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])).rejects.toThrow(
      'default_network refers to app:proxy',
    )
    await registry.apply([{ op: 'update', entry: proxyAt(proxy.port) }])
    expect(app.app.kernel.overlays.list()).toMatchObject([{ id: 'app:proxy', generation: 2 }])
  })
})

describe('an application', () => {
  it('that stops refuses changes, and keeps earlier ones if configured', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-history-'))
    const set = ['registry.history=sqlite', `registry.history_path=${join(folder.path, 'registry.db')}`]
    const entries = [host, waiter]
    {
      await using app = await startApp({ root, entries, set })
      await registry.apply([{ op: 'create', entry: proxyAt(1) }])
      await app.stop()
      await expect(app.app.registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])).rejects.toMatchObject({
        kind: 'Unavailable',
      })
    }
    await using app = await startApp({ root, entries, set })
    expect(app.app.service(entryId('app:proxy')).state).toBe('Running')
    expect((await registry.history()).at(-1)?.changes).toEqual([
      { op: 'create', id: 'app:proxy', kind: 'network.socks5' },
    ])
  })
})

describe('permission to change the registry', () => {
  it('is required for each entry, of code with policies', async () => {
    const changer: WrittenEntry = {
      id: 'app:changer',
      kind: 'process.ts',
      source: 'file://programs.ts',
      method: 'changer',
    }
    const policy = (name: string, resources: readonly string[]): WrittenEntry => {
      return {
        id: `app:${name}`,
        kind: 'security.policy',
        actions: ['registry.apply'],
        resources: [...resources],
        effect: 'allow',
      }
    }
    await using app = await startApp({
      root,
      entries: [host, changer, policy('elsewhere', ['other:*']), policy('here', ['app:*'])],
    })
    await using probe = await app.probe()
    const act = async (name: string) =>
      probe.run(async () => {
        const scope = security.newScope([`app:${name}`])
        return processes.withActor(security.newActor('ann')).withScope(scope).exec('app:changer', 'app:host')
      })
    expect(await act('elsewhere')).toEqual(['PermissionDenied', 'registry.apply', 'app:made'])
    expect(await act('here')).toBe('applied')
  })
})
