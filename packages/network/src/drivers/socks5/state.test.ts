/** The state that an overlay of proxies reports: the results of its own probes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { entryId } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { expect, it, onTestFinished, vi } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { networkKinds } from '../../overlay/overlay-kinds.ts'
import { OverlayTable } from '../../overlay/overlay-table.ts'
import { FakeRouter } from '../i2p/testing/fake-router.ts'
import { answering, ScriptedProxy } from './testing/scripted-proxy.ts'

const id = entryId('app:proxied')
const greeting = Buffer.from([5, 0])
const refused = answering({ greeting, reply: Buffer.from([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]) })

async function start(fields: Readonly<Record<string, unknown>>) {
  const registry = new Registry({ kinds: networkKinds })
  const log: string[] = []
  registry.add({ id, kind: 'network.socks5', fields })
  const overlays = new OverlayTable(registry, { log: (line: string) => log.push(line) })
  onTestFinished(async () => overlays[Symbol.asyncDispose]())
  return { overlay: await overlays.add(id), overlays, log }
}

async function gonePort(): Promise<number> {
  await using gone = await ScriptedProxy.start(async () => {})
  return gone.port
}

it('is up once its proxy has greeted', async () => {
  await using proxy = await ScriptedProxy.start(refused)
  const { overlays, log } = await start({ host: '127.0.0.1', port: proxy.port })
  expect(await overlays.status(id)).toEqual({ state: 'up', since: expect.any(Number) as number })
  expect(log).toEqual(['overlay app:proxied is up'])
})

it('is down without a proxy, with the reason', async () => {
  const { overlays } = await start({ host: '127.0.0.1', port: await gonePort() })
  expect(await overlays.status(id)).toMatchObject({
    state: 'down',
    reason: expect.stringContaining('ECONNREFUSED') as string,
  })
})

it('is down if the proxy greets and does not reach the target of the entry', async () => {
  await using proxy = await ScriptedProxy.start(refused)
  const { overlays } = await start({ host: '127.0.0.1', port: proxy.port, probe: 'example.org:443' })
  const status = await overlays.status(id)
  expect(status).toMatchObject({
    state: 'down',
    reason: expect.stringContaining('a probe of example.org:443') as string,
  })
})

it('is degraded if one of two is down', async () => {
  await using proxy = await ScriptedProxy.start(refused)
  const proxies = [await gonePort(), proxy.port].map((port) => ({ host: '127.0.0.1', port }))
  const { overlays } = await start({ proxies })
  expect(await overlays.status(id)).toMatchObject({
    state: 'degraded',
    reason: expect.stringContaining('1 of 2 proxies') as string,
  })
})

it('is checked after a failed dial, and reports the change', async () => {
  const events: unknown[] = []
  const take = (event: unknown) => events.push(event)
  subscribe('troupe:overlay:state', take)
  onTestFinished(() => void unsubscribe('troupe:overlay:state', take))
  const proxy = await ScriptedProxy.start(refused)
  const { overlay, overlays, log } = await start({ host: '127.0.0.1', port: proxy.port })
  await overlays.status(id)
  await proxy[Symbol.asyncDispose]()
  await expect(dial(overlay.route, { host: 'example.org', port: 80 })).rejects.toMatchObject({ kind: 'Unavailable' })
  await vi.waitUntil(() => events.length === 2, { timeout: 120_000 })
  expect(events).toMatchObject([
    { overlay: id, before: 'starting', state: 'up' },
    { overlay: id, before: 'up', state: 'down', reason: expect.stringContaining('ECONNREFUSED') as string },
  ])
  expect(log.at(-1)).toContain('overlay app:proxied is down: a greeting through overlay app:proxied failed')
})

it.each(['example.org', 'example.org:0x', 'a b:80', ':80', 'example.org:80/x', 'u@example.org:80'])(
  'refuses the target %j',
  (probe) => {
    const registry = new Registry({ kinds: networkKinds })
    registry.add({ id, kind: 'network.socks5', fields: { host: 'h', port: 1, probe } })
    expect(registry.check()).toEqual([expect.objectContaining({ entry: id, path: 'probe' })])
  },
)

it.each([
  ['[::1]', 'brackets'],
  ['unix:socks', 'absolute'],
  [`unix:/${'a'.repeat(120)}`, 'bytes'],
])('refuses a proxy at %j', (host, words) => {
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind: 'network.socks5', fields: host.startsWith('unix:') ? { host } : { host, port: 1 } })
  expect(registry.check()).toEqual([
    expect.objectContaining({ entry: id, path: 'host', message: expect.stringContaining(words) as string }),
  ])
})

it('does not lead through I2P to a proxy that does not exist', async () => {
  await using router = await FakeRouter.start()
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id: entryId('app:eep'), kind: 'network.i2p', fields: { host: '127.0.0.1', port: router.port } })
  registry.add({ id, kind: 'network.socks5', fields: { host: '10.0.0.1', port: 1080, via: 'app:eep' } })
  await using overlays = new OverlayTable(registry)
  await overlays.add(entryId('app:eep'))
  await expect(overlays.add(id)).rejects.toMatchObject({ kind: 'Invalid', details: { path: 'via' } })
})
