import { type EntryId, entryId } from '@troupe/core'
import { defineKind, Registry } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Overlay } from './overlay.ts'
import { overlayKind } from './overlay-kind.ts'
import { networkKinds, OverlayTable } from './overlay-table.ts'

const id = entryId('app:proxy')
const plain = { host: '127.0.0.1', port: 1080 }

function registryWith(fields: Readonly<Record<string, unknown>>, kind = 'network.socks5'): Registry {
  const registry = new Registry({ kinds: [...networkKinds, defineKind({ kind: 'other', fields: z.strictObject({}) })] })
  registry.add({ id, kind, fields })
  return registry
}

describe('an entry of network.socks5', () => {
  it.each([
    ['host', { port: 1 }],
    ['host', { host: '', port: 1 }],
    ['port', { host: 'h' }],
    ['port', { host: 'h', port: 0 }],
    ['port', { host: 'h', port: 65_536 }],
    ['port', { host: 'h', port: 1.5 }],
    ['port', { host: 'h', port: '80' }],
    ['password', { ...plain, username: 'u' }],
    ['password', { ...plain, password: 'p' }],
    ['username', { ...plain, username: '', password: 'p' }],
    ['password', { ...plain, username: 'u', password: 'ü'.repeat(128) }],
    ['isolate_streams', { ...plain, isolate_streams: 'yes' }],
    ['isolate_stream', { ...plain, isolate_stream: true }],
    ['isolate', { ...plain, isolate: 'nobody' }],
    ['isolate', { ...plain, isolate: 'actor', isolate_streams: true }],
    ['isolate_form', { ...plain, isolate_form: 'tor' }],
    ['optimistic', { ...plain, optimistic: 'maybe' }],
    ['connect_timeout', { ...plain, connect_timeout: 10 }],
    ['handshake_timeout', { ...plain, handshake_timeout: '-1s' }],
    ['host', { host: 'unix:' }],
    ['port', { host: 'unix:/run/proxy', port: 1080 }],
    ['proxies', { proxies: [] }],
    ['proxies[1].port', { proxies: [plain, { host: 'h' }] }],
    ['proxies[0].password', { proxies: [{ ...plain, username: 'u' }] }],
    ['host', { proxies: [plain], host: 'h' }],
    ['username', { proxies: [plain], username: 'u' }],
    ['policy', { proxies: [plain], policy: 'random' }],
    ['via', { ...plain, via: 'app:nowhere' }],
    ['via', { ...plain, via: 'app:proxy' }],
  ])('is refused for its %s in %j', (path, fields) => {
    expect(registryWith(fields).check()).toEqual([expect.objectContaining({ entry: id, path })])
  })

  it('may have credentials of 255 bytes and a proxy on port 65535', () => {
    const widest = { host: '::1', port: 65_535, username: 'u'.repeat(255), password: 'ü'.repeat(127), isolate_streams: true }
    expect(registryWith(widest).check()).toEqual([])
  })

  it('does not tell its password when that is wrong', () => {
    const password = `secret${'x'.repeat(255)}`
    expect(JSON.stringify(registryWith({ ...plain, username: 'u', password }).check())).not.toContain('secret')
  })
})

describe('overlays', () => {
  it('give the route of an entry', async () => {
    await using overlays = new OverlayTable(registryWith({ ...plain, username: 'u', password: 'p', isolate_streams: true }))
    await overlays.add(id)
    const config = {
      proxies: [{ ...plain, login: { username: 'u', password: 'p' } }],
      policy: 'first',
      optimistic: true,
      isolate: { by: 'connection', form: 'login', seed: expect.stringMatching(/^[\da-f]{64}$/) as string },
      timeouts: { connect: 10_000, firstByte: 10_000, handshake: 30_000 },
    }
    expect(overlays.route(id)).toEqual({ overlay: id, generation: 1, driver: 'socks5', config })
  })

  it('are listed without secrets', async () => {
    await using overlays = new OverlayTable(registryWith({ ...plain, username: 'carol', password: 'hunter2' }))
    await overlays.add(id)
    expect(overlays.list()).toEqual([{ id, kind: 'network.socks5', generation: 1, capabilities: { listen: false, tls: false, udp: true } }])
  })

  it('suggest the id that was meant', async () => {
    await using overlays = new OverlayTable(registryWith(plain))
    await overlays.add(id)
    expect(() => overlays.route(entryId('app:prxy'))).toThrow(
      expect.objectContaining({ kind: 'NotFound', message: 'there is no overlay app:prxy; did you mean "app:proxy"?' }),
    )
  })

  it('are unknown once removed, and known again under a later generation', async () => {
    await using overlays = new OverlayTable(registryWith(plain))
    await overlays.add(id)
    await overlays.remove(id)
    expect(() => overlays.get(id)).toThrow(expect.objectContaining({ kind: 'NotFound' }))
    expect((await overlays.add(id)).route.generation).toBe(2)
  })

  it('are added once', async () => {
    await using overlays = new OverlayTable(registryWith(plain))
    await overlays.add(id)
    await expect(overlays.add(id)).rejects.toMatchObject({ kind: 'AlreadyExists' })
  })

  it('refuse an entry that is no overlay', async () => {
    await using overlays = new OverlayTable(registryWith({}, 'other'))
    await expect(overlays.add(id)).rejects.toMatchObject({ kind: 'Invalid', message: 'app:proxy is a other, not an overlay' })
  })

  it('of SOCKS5 do not listen', async () => {
    await using overlays = new OverlayTable(registryWith(plain))
    const overlay = await overlays.add(id)
    await expect(overlay.bind({ port: 80 })).rejects.toMatchObject({
      kind: 'Invalid',
      message: 'listening on app:proxy is not supported: network.socks5 is outbound only',
    })
  })
})

describe('an overlay that leads through another', () => {
  const other = entryId('app:other')
  const withOther = (fields = plain) => {
    const registry = registryWith({ ...plain, via: 'other' })
    registry.add({ id: other, kind: 'network.socks5', fields })
    return registry
  }

  it('holds its route, and is built anew with it', async () => {
    await using overlays = new OverlayTable(withOther())
    await overlays.add(other)
    await overlays.add(id)
    expect(overlays.route(id)).toMatchObject({ generation: 2, config: { via: { overlay: other, generation: 1 } } })
    expect(overlays.leadingThrough(other)).toEqual([id])
    await overlays.replace(other)
    expect(overlays.route(id)).toMatchObject({ generation: 4, config: { via: { overlay: other, generation: 3 } } })
  })

  it('does not come up before that one', async () => {
    await using overlays = new OverlayTable(withOther())
    await expect(overlays.add(id)).rejects.toMatchObject({ kind: 'NotFound', details: { overlay: other } })
  })

  it('is refused in a circle', () => {
    const registry = registryWith({ ...plain, via: 'other' })
    registry.add({ id: other, kind: 'network.socks5', fields: { ...plain, via: 'proxy' } })
    expect(registry.check()).toEqual([expect.objectContaining({ path: 'via', message: expect.stringContaining('circle') as string })])
  })
})

describe('a replacement', () => {
  const closed: number[] = []
  const kind = defineKind({ kind: 'network.fake', fields: z.strictObject({ works: z.boolean() }) })
  const fake = overlayKind(kind, async (overlay: EntryId, { works }, { generation }): Promise<Overlay> => {
    if (!works) throw new Error('it does not come up')
    return {
      id: overlay,
      kind: kind.kind,
      capabilities: { listen: false, tls: false, udp: true },
      route: { overlay, generation, driver: 'fake', config: {} },
      bind: async () => Promise.reject(new Error('no')),
      async [Symbol.asyncDispose]() {
        closed.push(generation)
      },
    }
  })

  it('stands before the old one is closed; one that fails leaves the old one in service', async () => {
    const registry = new Registry({ kinds: [kind] })
    registry.add({ id, kind: kind.kind, fields: { works: true } })
    const overlays = new OverlayTable(registry, { kinds: [fake] })
    await overlays.add(id)
    await overlays.replace(id)
    expect([overlays.route(id).generation, closed]).toEqual([2, [1]])
    registry.override(id, 'works', 'false')
    await expect(overlays.replace(id)).rejects.toThrow('it does not come up')
    expect([overlays.route(id).generation, closed]).toEqual([2, [1]])
    await overlays[Symbol.asyncDispose]()
    expect(closed).toEqual([1, 2])
  })
})
