import { request } from 'node:http'
import type { Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { dial, type Route } from '@troupe/network'
import { describe, expect, inject, it } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { danteForbidden, danteRequests } from '../peers/dante.ts'
import { microsocksRequests } from '../peers/microsocks.ts'
import type { ProxyPeer } from '../peers/peers.ts'
import { TorControl, type TorStream } from '../peers/tor-control.ts'
import { socks5, socks5Route } from './socks5-fixture.ts'

const { target, microsocks, microsocksLogin, dante, danteLogin, tor } = inject('peers')

/** Longer than a label may be, so that a resolver refuses it without asking anybody. */
const impossibleName = `${'a'.repeat(64)}.invalid`
const web = { host: 'web.test', port: target.echo }
const torFields = { host: tor.socks.host, port: tor.socks.port }

function fieldsOf({ host, port, login }: ProxyPeer, password = login?.password) {
  return { host, port, ...(login && { username: login.username, password }) }
}

const loopback = {
  echo: {
    name: { host: 'localhost', port: target.echo },
    ipv4: { host: '127.0.0.1', port: target.echo },
    ipv6: { host: '::1', port: target.echo },
  },
  bye: { host: '127.0.0.1', port: target.bye },
  refused: { host: '127.0.0.1', port: target.closed },
  unknown: { host: impossibleName, port: 80 },
}

for (const [peer, halfClose] of [
  [microsocks, false],
  [microsocksLogin, false],
  [dante, true],
  [danteLogin, true],
] as const) {
  overlayContract(`network.socks5 on ${peer.name}`, async () => {
    const overlay = await socks5(peer.name, fieldsOf(peer))
    return { ...loopback, overlay, halfClose, routeTo: (port) => reroute(overlay.route, port) }
  })
}

overlayContract('network.socks5 on Tor', async () => {
  const overlay = await socks5('tor', torFields)
  return {
    ...loopback,
    overlay,
    echo: { ...loopback.echo, name: { host: 'web.test', port: target.echo } },
    unknown: { host: 'nowhere.test', port: 80 },
    halfClose: false,
    routeTo: (port) => reroute(overlay.route, port),
  }
})

/** The route, but to a proxy on another port of this machine. */
function reroute(route: Route, port: number): Route {
  return { ...route, config: { ...Object(route.config), proxies: [{ host: '127.0.0.1', port }] } }
}

describe('a proxy', () => {
  it.each([
    ['microsocks', microsocks, microsocksRequests, 'localhost'],
    ['microsocks with a login', microsocksLogin, microsocksRequests, 'localhost'],
    ['dante', dante, danteRequests, '127.0.0.1'],
    ['dante with a login', danteLogin, danteRequests, '127.0.0.1'],
  ])('%s saw the request, and resolved the name itself', async (_name, peer, requests, logged) => {
    const socket = await dial(await socks5Route('proxy', fieldsOf(peer)), { host: 'localhost', port: target.http })
    expect(await httpOver(socket, '/seen')).toMatchObject({ url: '/seen' })
    await expect.poll(async () => requests(peer.log)).toContain(`${logged}:${target.http}`)
  })

  it.each([
    ['microsocks', microsocksLogin, 2],
    ['dante', danteLogin, 1],
  ])('%s refuses a wrong password, and the error does not tell it', async (_name, peer, loginStatus) => {
    const wrong = 'not-the-password'
    const dialled = dial(await socks5Route('proxy', fieldsOf(peer, wrong)), { host: '127.0.0.1', port: target.http })
    const error: unknown = await dialled.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { stage: 'login', loginStatus } })
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(wrong)
  })

  it.each([
    ['microsocks', microsocksLogin],
    ['dante', danteLogin],
  ])('%s refuses to go without its login', async (_name, { host, port }) => {
    const dialled = dial(await socks5Route('proxy', { host, port }), { host: '127.0.0.1', port: target.http })
    await expect(dialled).rejects.toMatchObject({ kind: 'Unavailable', details: { stage: 'greeting', method: 255 } })
  })

  it('is quoted with its own code and words', async () => {
    const route = await socks5Route('proxy', fieldsOf(dante))
    const refused = dial(route, { host: '127.0.0.1', port: target.closed })
    await expect(refused).rejects.toMatchObject({
      kind: 'Unavailable',
      message: `a connection to 127.0.0.1:${target.closed} through overlay app:proxy failed: the proxy answered 5, connection refused`,
      details: { overlay: 'app:proxy', replyCode: 5, reply: 'connection refused', target: `127.0.0.1:${target.closed}` },
    })
    const forbidden = dial(route, { host: danteForbidden, port: 80 })
    await expect(forbidden).rejects.toMatchObject({ kind: 'Unavailable', details: { replyCode: 2 } })
  })
})

describe('Tor', () => {
  it('resolves names itself: it is told to refuse addresses, and ours are taken', async () => {
    using control = await TorControl.open(tor)
    const route = await socks5Route('tor', torFields)
    await control.withSafeSocks(async () => {
      const byAddress = dial(route, { host: '127.0.0.77', port: target.http })
      await expect(byAddress).rejects.toMatchObject({ kind: 'Unavailable', details: { replyCode: 2 } })
      const socket = await dial(route, { host: 'web.test', port: target.http })
      expect(await httpOver(socket, '/by-name')).toMatchObject({ url: '/by-name' })
    })
  })

  it('carries the request, by its name: the control port shows the stream', async () => {
    using control = await TorControl.open(tor)
    const socket = await dial(await socks5Route('tor', torFields), web)
    const [stream] = await held(control)
    expect(stream).toMatchObject({ status: 'SUCCEEDED', target: `127.0.0.1:${web.port}` })
    socket.destroy()
  })

  it('gives each connection a circuit of its own when streams are isolated, and one to all when not', async () => {
    const circuits = async (fields: Readonly<Record<string, unknown>>) => {
      using control = await TorControl.open(tor)
      const route = await socks5Route('tor', { ...torFields, ...fields })
      const sockets = await Promise.all([1, 2, 3].map(async () => dial(route, web)))
      const streams = await held(control)
      for (const socket of sockets) socket.destroy()
      return streams.map(({ circuit }) => circuit)
    }
    const shared = await circuits({})
    expect([shared.length, new Set(shared).size]).toEqual([3, 1])
    const isolated = await circuits({ isolate_streams: true })
    expect([isolated.length, new Set(isolated).size]).toEqual([3, 3])
  })

  it('reaches an onion service', async () => {
    const socket = await dial(await socks5Route('tor', torFields), { host: tor.onion, port: 80 })
    expect(await httpOver(socket, '/onion')).toMatchObject({ url: '/onion' })
  })
})

/** The open streams that were asked for as {@link web} since `control` was opened. */
async function held(control: TorControl): Promise<readonly TorStream[]> {
  const open = await control.streams()
  const asked = control.events.filter(({ status, target }) => status === 'NEW' && target === `${web.host}:${web.port}`)
  return open.filter(({ id }) => asked.some((event) => event.id === id))
}

async function httpOver(socket: Socket, path: string): Promise<unknown> {
  const sent = request({ path, createConnection: () => socket }).end()
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => sent.on('response', resolve).on('error', reject))
  return json(response)
}
