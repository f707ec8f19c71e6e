import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { entryId } from '@troupe/core'
import { dial, resolve, reverse, type Route } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { describe, expect, inject, it } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { microsocksRequests } from '../peers/microsocks.ts'
import { TorControl, type TorStream } from '../peers/tor-control.ts'
import { EarlyRequest } from './early-request.ts'
import { httpOver } from './http-over.ts'
import { reroute, socks5, socks5Route } from './socks5-fixture.ts'

const { target, microsocks, tor } = inject('peers')
const web = { host: 'web.test', port: target.echo }
const torFields = { host: tor.socks.host, port: tor.socks.port }

// In this file and not with the other proxies, because a test below makes this Tor refuse addresses for a while.
overlayContract('network.socks5 on Tor', async () => {
  const overlay = await socks5('tor', torFields)
  return {
    overlay,
    echo: { name: web, ipv4: { host: '127.0.0.1', port: target.echo }, ipv6: { host: '::1', port: target.echo } },
    bye: { host: '127.0.0.1', port: target.bye },
    refused: { host: '127.0.0.1', port: target.closed },
    unknown: { host: 'nowhere.test', port: 80 },
    halfClose: false,
    routeTo: (port) => reroute(overlay.route, port),
  }
})

/** Opens connections as `dials` describes, and returns the circuit of each. */
async function circuitsOf(dials: readonly (() => Promise<Socket>)[]): Promise<readonly string[]> {
  using control = await TorControl.open(tor)
  const circuits: string[] = []
  const sockets: Socket[] = []
  for (const dialled of dials) {
    sockets.push(await dialled())
    const [stream] = (await held(control)).slice(-1)
    circuits.push(stream?.circuit ?? '')
  }
  for (const socket of sockets) socket.destroy()
  return circuits
}

/** The open streams that were requested as {@link web} since `control` was opened, in that order. */
async function held(control: TorControl): Promise<readonly TorStream[]> {
  const open = await control.streams()
  const asked = control.events.filter(({ status, target }) => status === 'NEW' && target === `${web.host}:${web.port}`)
  return asked.flatMap((event) => open.filter(({ id }) => event.id === id))
}

const as =
  (route: Route, actor: string | undefined, process = 'p') =>
  async () =>
    dial(route, web, { isolation: { process, ...(actor !== undefined && { actor }) } })

describe('Tor', () => {
  it('takes the first bytes of the stream with the request, and loses none', async () => {
    const early = new EarlyRequest('/early')
    const route = await socks5Route('tor', { ...torFields, isolate: 'connection' })
    const socket = await dial(route, { host: 'web.test', port: target.http }, { early })
    expect(early.isSpent).toBe(true)
    expect(await text(socket)).toContain('"url":"/early"')
  })

  it('refuses a target after its first bytes as any target', async () => {
    const early = new EarlyRequest('/early')
    const route = await socks5Route('tor', { ...torFields, isolate: 'connection' })
    const dialled = dial(route, { host: '127.0.0.1', port: target.closed }, { early })
    await expect(dialled).rejects.toMatchObject({ kind: 'Unavailable', details: { stage: 'request' } })
    expect(early.isSpent).toBe(true)
  })

  it('resolves names itself: it is configured to refuse addresses, and accepts those of the guard', async () => {
    using control = await TorControl.open(tor)
    const route = await socks5Route('tor', torFields)
    await control.withSafeSocks(async () => {
      const byAddress = dial(route, { host: '127.0.0.77', port: target.http })
      await expect(byAddress).rejects.toMatchObject({ kind: 'Unavailable', details: { replyCode: 2 } })
      for (const isolate of ['connection', 'actor', 'process', 'destination']) {
        const isolated = await socks5Route('tor', { ...torFields, isolate })
        expect(await httpOver(await dial(isolated, { host: 'web.test', port: target.http }), '/by-name')).toMatchObject(
          { url: '/by-name' },
        )
      }
      expect(await resolve(route, 'web.test')).toEqual([{ address: '127.0.0.1', family: 4 }])
      expect(await httpOver(await dial(route, { host: tor.onion, port: 80 }), '/onion')).toMatchObject({
        url: '/onion',
      })
    })
  })

  it('carries the request, by its name: the control port shows the stream', async () => {
    using control = await TorControl.open(tor)
    const socket = await dial(await socks5Route('tor', torFields), web)
    const [stream] = await held(control)
    expect(stream).toMatchObject({ status: 'SUCCEEDED', target: `127.0.0.1:${web.port}` })
    socket.destroy()
  })

  it('gives all connections one circuit without isolation, and each its own with isolate_streams', async () => {
    const shared = await socks5Route('tor', torFields)
    expect(new Set(await circuitsOf([1, 2, 3].map(() => () => dial(shared, web)))).size).toBe(1)
    const isolated = await socks5Route('tor', { ...torFields, isolate_streams: true })
    expect(new Set(await circuitsOf([1, 2, 3].map(() => () => dial(isolated, web)))).size).toBe(3)
  })

  it.each(['login', 'torS0X'])('separates actors, each on one circuit, in the form "%s"', async (isolate_form) => {
    const route = await socks5Route('tor', { ...torFields, isolate: 'actor', isolate_form })
    const [a1, b1, a2, b2, anonymous1, anonymous2] = await circuitsOf(
      ['a', 'b', 'a', 'b', undefined, undefined].map((actor, index) => as(route, actor, `process ${index}`)),
    )
    expect([a2, b2]).toEqual([a1, b1])
    expect(new Set([a1, b1, anonymous1, anonymous2]).size).toBe(4)
  })

  it('separates processes, and destinations', async () => {
    const byProcess = await socks5Route('tor', { ...torFields, isolate: 'process' })
    const [p1, q1, p2] = await circuitsOf(['p', 'q', 'p'].map((process) => as(byProcess, 'the same', process)))
    expect([p2 === p1, q1 === p1]).toEqual([true, false])
    const byDestination = await socks5Route('tor', { ...torFields, isolate: 'destination' })
    const [first, second] = await circuitsOf(['a', 'b'].map((actor) => as(byDestination, actor)))
    expect(second).toBe(first)
  })

  it('finds addresses of names, and names of addresses', async () => {
    const route = await socks5Route('tor', { ...torFields, isolate_streams: true })
    expect(await resolve(route, 'web.test')).toEqual([{ address: '127.0.0.1', family: 4 }])
    expect(await resolve(route, 'six.test')).toEqual([{ address: '::1', family: 6 }])
    await expect(resolve(route, 'web.test', { family: 6 })).rejects.toMatchObject({ kind: 'Unavailable' })
    await expect(resolve(route, 'nowhere.test')).rejects.toMatchObject({
      kind: 'Unavailable',
      details: { replyCode: 4 },
    })
    expect(await reverse(route, '192.0.2.1')).toEqual(['web.test'])
    await expect(reverse(route, '192.0.2.2')).rejects.toMatchObject({ kind: 'Unavailable', details: { replyCode: 4 } })
  })

  it('reaches an onion service', async () => {
    const socket = await dial(await socks5Route('tor', torFields), { host: tor.onion, port: 80 })
    expect(await httpOver(socket, '/onion')).toMatchObject({ url: '/onion' })
  })

  it('is reached through another proxy', async () => {
    using control = await TorControl.open(tor)
    const registry = new Registry({ kinds: networkKinds })
    const [hop, chain] = [entryId('app:hop'), entryId('app:chain')]
    registry.add({ id: hop, kind: 'network.socks5', fields: { host: microsocks.host, port: microsocks.port } })
    registry.add({ id: chain, kind: 'network.socks5', fields: { ...torFields, via: 'hop', isolate_streams: true } })
    await using overlays = new OverlayTable(registry)
    for (const id of registry.graph().levels.flat()) await overlays.add(id)
    const socket = await dial(overlays.route(chain), web)
    expect(await held(control)).toMatchObject([{ status: 'SUCCEEDED', target: `127.0.0.1:${web.port}` }])
    await expect.poll(async () => microsocksRequests(microsocks.log)).toContain(`${tor.socks.host}:${tor.socks.port}`)
    socket.destroy()
    const missing = dial(overlays.route(chain), { host: 'nowhere.test', port: 80 })
    await expect(missing).rejects.toMatchObject({ kind: 'Unavailable', details: { overlay: chain, replyCode: 4 } })
  })
})
