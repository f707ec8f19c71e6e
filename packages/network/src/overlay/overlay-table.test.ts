import { type EntryId, entryId } from '@troupe/core'
import { defineKind, Registry } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Overlay } from './overlay.ts'
import { overlayKind } from './overlay-kind.ts'
import { networkKinds } from './overlay-kinds.ts'
import { OverlayTable } from './overlay-table.ts'

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
    ['isolate', { ...plain, isolate: 'unknown' }],
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
    ['host', { ...plain, host: 'socks5://proxy.test' }],
    ['host', { ...plain, host: 'proxy.test:1080' }],
    ['host', { ...plain, host: ' ' }],
    ['host', { ...plain, host: 'a\0b' }],
    ['host', { ...plain, host: '224.0.0.1' }],
    ['host', { ...plain, host: '255.255.255.255' }],
    ['host', { ...plain, host: 'ff02::1' }],
    ['via', { ...plain, host: 'proxy.onion' }],
    ['via', { ...plain, host: 'proxy.b32.i2p' }],
    ['via', { proxies: [plain, { host: 'proxy.onion', port: 1 }] }],
    ['probe', { ...plain, probe: 'example.org:0' }],
    ['isolate_form', { ...plain, isolate_form: 'torS0X' }],
    ['proxies', { proxies: [plain, plain] }],
    ['connect_timeout', { ...plain, connect_timeout: '0s' }],
    ['first_byte_timeout', { ...plain, first_byte_timeout: '0ms' }],
    ['handshake_timeout', { ...plain, handshake_timeout: '0s' }],
    ['via', { ...plain, via: 'app:nowhere' }],
    ['via', { ...plain, via: 'app:proxy' }],
  ])('is refused for its %s in %j', (path, fields) => {
    expect(registryWith(fields).check()).toEqual([expect.objectContaining({ entry: id, path })])
  })

  it('may have credentials of 255 bytes and a proxy on port 65535', () => {
    const widest = {
      host: '::1',
      port: 65_535,
      username: 'u'.repeat(255),
      password: 'ü'.repeat(127),
      isolate_streams: true,
    }
    expect(registryWith(widest).check()).toEqual([])
  })

  it('does not show its password in an error about it', () => {
    const password = `secret${'x'.repeat(255)}`
    expect(JSON.stringify(registryWith({ ...plain, username: 'u', password }).check())).not.toContain('secret')
  })
})

describe('overlays', () => {
  it('return the route of an entry', async () => {
    await using overlays = new OverlayTable(
      registryWith({ ...plain, username: 'u', password: 'p', isolate_streams: true }),
    )
    await overlays.add(id)
    const config = {
      proxies: [{ ...plain, login: { username: 'u', password: 'p' } }],
      policy: 'first',
      optimistic: true,
      isolate: { by: 'connection', form: 'login', seed: expect.stringMatching(/^[\da-f]{64}$/) as string },
      spares: 'adaptive',
      timeouts: { connect: 10_000, firstByte: 10_000, handshake: 30_000 },
    }
    const { application } = overlays
    expect(overlays.route(id)).toEqual({ overlay: id, application, generation: 1, driver: 'socks5', config })
  })

  it('are listed without secrets', async () => {
    await using overlays = new OverlayTable(registryWith({ ...plain, username: 'carol', password: 'hunter2' }))
    await overlays.add(id)
    expect(overlays.list()).toEqual([
      { id, kind: 'network.socks5', generation: 1, capabilities: { listen: false, tls: false, udp: true } },
    ])
  })

  it('suggest a similar id', async () => {
    await using overlays = new OverlayTable(registryWith(plain))
    await overlays.add(id)
    expect(() => overlays.route(entryId('app:prxy'))).toThrow(
      expect.objectContaining({ kind: 'NotFound', message: 'there is no overlay app:prxy; did you mean "app:proxy"?' }),
    )
  })

  it('are unknown once removed, and known again with a later generation', async () => {
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

  it('refuse an entry that is not an overlay', async () => {
    await using overlays = new OverlayTable(registryWith({}, 'other'))
    await expect(overlays.add(id)).rejects.toMatchObject({
      kind: 'Invalid',
      message: 'app:proxy is a other, not an overlay',
    })
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

  it('holds its route, and is rebuilt with it', async () => {
    await using overlays = new OverlayTable(withOther())
    await overlays.add(other)
    await overlays.add(id)
    expect(overlays.route(id)).toMatchObject({ generation: 2, config: { via: { overlay: other, generation: 1 } } })
    expect(overlays.leadingThrough(other)).toEqual([id])
    await overlays.replace(other)
    expect(overlays.route(id)).toMatchObject({ generation: 4, config: { via: { overlay: other, generation: 3 } } })
  })

  it('does not start before that one', async () => {
    await using overlays = new OverlayTable(withOther())
    await expect(overlays.add(id)).rejects.toMatchObject({ kind: 'NotFound', details: { overlay: other } })
  })

  it('is refused in a cycle', () => {
    const registry = registryWith({ ...plain, via: 'other' })
    registry.add({ id: other, kind: 'network.socks5', fields: { ...plain, via: 'proxy' } })
    expect(registry.check()).toEqual([
      expect.objectContaining({ path: 'via', message: expect.stringContaining('circle') as string }),
    ])
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

  it('starts before the old one is closed; one that fails leaves the old one in service', async () => {
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
