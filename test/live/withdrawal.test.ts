import { join } from 'node:path'
import { entryId, isPid } from '@troupe/core'
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
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://programs.ts',
  method,
})
const proxyAt = (port: number) => ({ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port })
const may = (effect: string) => ({
  id: 'app:may',
  kind: 'security.policy',
  actions: 'network.select',
  resources: 'app:proxy',
  effect,
})
const entries = (port: number): WrittenEntry[] => [
  host,
  program('client'),
  program('chooser'),
  proxyAt(port),
  may('allow'),
  {
    id: 'app:rest',
    kind: 'security.policy',
    actions: ['process.*', 'registry.*', 'http_client.*'],
    resources: '*',
    effect: 'allow',
  },
]

describe('a route', () => {
  it('is withdrawn once choosing it is denied, and returns when it is allowed again', async () => {
    await using web = await startWeb()
    await using proxy = await startProxy()
    await using app = await startApp({ root, entries: entries(proxy.port) })
    await using probe = await app.probe()
    const ruled = processes.withActor(security.newActor('ann')).withScope(security.newScope(['app:may', 'app:rest']))
    const chooser = await probe.run(async () => ruled.spawn('app:chooser', 'app:host'))
    const client = String(await processes.call(chooser, 'start'))
    expect(isPid(client)).toBe(true)
    const get = async () => processes.call(client, 'get', web.url)
    expect(await get()).toBe('ok')
    await registry.apply([{ op: 'update', entry: may('deny') }])
    expect(await get()).toMatch(/^PermissionDenied: /)
    await expect(processes.call(chooser, 'start')).rejects.toMatchObject({ kind: 'NotFound' })
    expect(proxy.dials).toBe(1)
    await registry.apply([{ op: 'update', entry: may('allow') }])
    expect(await get()).toBe('ok')
    await registry.apply([{ op: 'delete', entry: { id: 'app:may' } }])
    expect(await get()).toMatch(/^PermissionDenied: /)
  })

  it('that was replaced or withdrawn is not dialled by a thread that was busy meanwhile', async () => {
    await using web = await startWeb()
    await using first = await startProxy()
    await using second = await startProxy()
    await using app = await startApp({ root, entries: entries(first.port) })
    await using probe = await app.probe({ name: 'ear' })
    const busy = async () => {
      const client = await probe.run(async () =>
        processes.withOptions({ network: 'app:proxy' }).spawn('app:client', 'app:host'),
      )
      await processes.call(client, 'busy', web.url)
    }
    await busy()
    await registry.apply([{ op: 'update', entry: proxyAt(second.port) }])
    expect((await probe.next({ topic: 'after' })).payload).toBe('ok')
    expect([first.dials, second.dials]).toEqual([1, 1])
    await busy()
    await registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])
    expect((await probe.next({ topic: 'after' })).payload).toMatch(/^NotFound: .*there is no overlay app:proxy/)
    expect([first.dials, second.dials]).toEqual([1, 2])
    expect(app.app.kernel.overlays.has(entryId('app:proxy'))).toBe(false)
  })
})
