import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { processes, registry, security } from 'troupe'
import { type Probe, startApp, type WrittenEntry } from 'troupe/test'
import { describe, expect, it, vi } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { loopbackNetwork } from './loopback/kind.ts'
import { startEcho } from './loopback/echo.ts'

const root = join(import.meta.dirname, '../fixtures/listening')
const host: WrittenEntry = {
  id: 'app:host',
  kind: 'process.host',
  host: { spares: 1 },
  lifecycle: { auto_start: true },
}
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://programs.ts',
  method,
})
const node = (name: string, fields: object = {}): WrittenEntry => ({
  id: `app:${name}`,
  kind: 'network.loopback',
  host: `${name}.loop`,
  ...fields,
})
const entries = [host, program('web'), program('visitor'), node('here'), node('there')]

overlayContract('network.loopback', async () => {
  const network = await loopbackNetwork()
  await import(network.driver)
  const kinds = [network.kind]
  const entriesOf = new Registry({ kinds: kinds.map(({ kind }) => kind) })
  entriesOf.add({ id: entryId('app:here'), kind: 'network.loopback', fields: { host: 'here.loop' } })
  const overlay = await new OverlayTable(entriesOf, { kinds }).add(entryId('app:here'))
  const echo = await startEcho(overlay, 7, (socket) => socket.pipe(socket))
  const bye = await startEcho(overlay, 8, (socket) => socket.end('bye'))
  // Both wait with all their connections before the contract counts.
  await vi.waitUntil(() => network.hub.connections === 16)
  return {
    overlay: { ...overlay, [Symbol.asyncDispose]: async () => network[Symbol.asyncDispose]() },
    echo: { name: echo },
    bye,
    refused: { host: 'here.loop', port: 9 },
    unknown: { host: 'absent.loop', port: 80 },
    halfClose: true,
    routeTo: (port) => ({ ...overlay.route, config: { port } }),
  }
})

describe('a server in a frame with an overlay', () => {
  it('is reached by the overlay, with the peer; another host is not an address of it', async () => {
    await using world = await start()
    const { probe, visit } = world
    const web = await spawnWeb(probe, 'here', 80)
    expect(web.address).toEqual({ address: 'here.loop', port: 80 })
    expect(await visit('http://here.loop/a')).toMatchObject({
      url: '/a',
      remoteAddress: 'visitor.loop',
      localAddress: 'here.loop',
      address: 'visitor.loop',
      user: 'visitor',
      tags: ['tag:test'],
    })
    await expect(spawnWeb(probe, 'here', 81, '127.0.0.1')).rejects.toThrow(
      /listen on the host 127.0.0.1 is refused in overlay app:here/,
    )
    await expect(spawnWeb(probe, 'here', 80)).rejects.toMatchObject({ kind: 'AlreadyExists' })
  })

  it('releases its address when its process ends, in any way', async () => {
    await using world = await start()
    const { probe, visit } = world
    for (const end of ['cancel', 'terminate'] as const) {
      const { pid } = await spawnWeb(probe, 'here', 80)
      expect(await visit('http://here.loop/b')).toMatchObject({ url: '/b' })
      const ended = processes.exited(pid)
      await (end === 'cancel' ? processes.cancel(pid, 'enough') : processes.terminate(pid))
      await ended
      await expect.poll(async () => visit('http://here.loop/c')).toMatch(/unknown/)
    }
  })

  it('listens in the new overlay when the old one is replaced, and ends when it is removed', async () => {
    await using world = await start()
    const { probe, visit } = world
    const { pid } = await spawnWeb(probe, 'here', 80)
    for (let version = 2; version < 20; version++) {
      await registry.apply([{ op: 'update', entry: node('here', { version }) }])
      await expect.poll(async () => visit('http://here.loop/d')).toMatchObject({ url: '/d' })
    }
    await registry.apply([{ op: 'update', entry: { ...node('here'), host: 'elsewhere.loop' } }])
    await expect
      .poll(async () => visit('http://elsewhere.loop/d'))
      .toMatchObject({ url: '/d', localAddress: 'elsewhere.loop' })
    const ended = processes.exited(pid)
    await registry.apply([{ op: 'delete', entry: { id: 'app:here' } }])
    expect(await ended).toMatchObject({ error: { kind: 'NotFound' } })
  })

  it('listens again when the overlay was interrupted', async () => {
    await using world = await start()
    const { probe, visit, network } = world
    await spawnWeb(probe, 'here', 80)
    network.hub.cut()
    await expect.poll(async () => visit('http://here.loop/e')).toMatchObject({ url: '/e' })
  })

  it('needs the permission to bind, and an overlay that listens', async () => {
    const policy = {
      id: 'app:no_bind',
      kind: 'security.policy',
      effect: 'deny',
      actions: ['network.bind'],
      resources: ['app:here'],
    }
    const allow = { id: 'app:all', kind: 'security.policy', effect: 'allow', actions: ['*'], resources: ['*'] }
    const proxy = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 }
    await using world = await start([policy, allow, proxy])
    const { probe } = world
    await expect(spawnWeb(probe, 'here', 80, undefined, ['app:no_bind', 'app:all'])).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'network.bind', resource: 'app:here' },
    })
    expect(await spawnWeb(probe, 'there', 80, undefined, ['app:no_bind', 'app:all'])).toMatchObject({
      address: { port: 80 },
    })
    await expect(spawnWeb(probe, 'proxy', 80)).rejects.toThrow(/outbound only/)
  })
})

/** An application on a loopback network, with a probe named `ear` and a visitor in `app:there`. */
async function start(more: readonly WrittenEntry[] = []) {
  const stack = new AsyncDisposableStack()
  const network = stack.use(await loopbackNetwork())
  const app = stack.use(await startApp({ root, entries: [...entries, ...more], overlays: [network] }))
  const probe = stack.use(await app.probe({ name: 'ear' }))
  const visitor = await probe.run(async () =>
    processes.withOptions({ network: 'app:there' }).spawn('app:visitor', 'app:host'),
  )
  const visit = async (url: string) => probe.run(async () => processes.call(visitor, 'visit', url))
  return { app, probe, network, visit, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
}

/** A wait that had no result would take the message of another. */
let topics = 0

/** A server in an overlay, once it listens; throws the error that it ended with. */
async function spawnWeb(probe: Probe, overlay: string, port: number, at?: string, scope?: readonly string[]) {
  const inOverlay = processes.withOptions({ network: `app:${overlay}` })
  const spawner =
    scope === undefined ? inOverlay : inOverlay.withActor(security.newActor('ann')).withScope(security.newScope(scope))
  return probe.run(async () => {
    topics += 1
    const topic = `listening ${topics}`
    const ended = spawner.exec('app:web', 'app:host', topic, port, at).then(() => {
      throw new Error('it ended')
    })
    const { from, payload } = await Promise.race([ended, probe.next({ topic })])
    ended.catch(() => undefined)
    return { pid: from, address: payload }
  })
}
