import { text } from 'node:stream/consumers'
import { dial } from '@troupe/network'
import { describe, expect, inject, it } from 'vitest'
import { overlayContract } from '../contract/overlay-contract.ts'
import { danteForbidden, danteRequests } from '../peers/dante.ts'
import { microsocksRequests } from '../peers/microsocks.ts'
import type { ProxyPeer } from '../peers/peers.ts'
import { EarlyRequest } from './early-request.ts'
import { httpOver } from './http-over.ts'
import { reroute, socks5, socks5Route } from './socks5-fixture.ts'

const { target, microsocks, microsocksLogin, dante, danteLogin, go, goLogin, python } = inject('peers')

/** Longer than a label may be, so that a resolver rejects it without a query. */
const impossibleName = `${'a'.repeat(64)}.invalid`

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
  [go, false],
  [goLogin, false],
] as const) {
  overlayContract(`network.socks5 on ${peer.name}`, async () => {
    const overlay = await socks5(peer.name, fieldsOf(peer))
    return { ...loopback, overlay, halfClose, routeTo: (port) => reroute(overlay.route, port) }
  })
}

overlayContract('network.socks5 on go-socks5, in one write', async () => {
  const overlay = await socks5('one-write', { ...fieldsOf(goLogin), optimistic: true })
  return { ...loopback, overlay, halfClose: false, routeTo: (port) => reroute(overlay.route, port) }
})

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
  ])('%s refuses a wrong password, and the error does not contain it', async (_name, peer, loginStatus) => {
    const wrong = 'not-the-password'
    const dialled = dial(await socks5Route('proxy', fieldsOf(peer, wrong)), { host: '127.0.0.1', port: target.http })
    const error: unknown = await dialled.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { stage: 'login', loginStatus } })
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(wrong)
  })

  it.each([
    ['microsocks', microsocksLogin],
    ['dante', danteLogin],
  ])('%s refuses requests without its login', async (_name, { host, port }) => {
    const dialled = dial(await socks5Route('proxy', { host, port }), { host: '127.0.0.1', port: target.http })
    await expect(dialled).rejects.toMatchObject({ kind: 'Unavailable', details: { stage: 'greeting', method: 255 } })
  })

  // Only this part of the contract: the proxy sometimes sends the target's first data before its own reply.
  it('asyncio-socks-server carries requests by name and by address', async () => {
    for (const host of ['localhost', '127.0.0.1']) {
      const socket = await dial(await socks5Route('proxy', fieldsOf(python)), { host, port: target.http })
      expect(await httpOver(socket, '/python')).toMatchObject({ url: '/python' })
    }
  })

  it.each([
    ['dante', dante],
    ['dante with a login', danteLogin],
    ['go-socks5', go],
    ['go-socks5 with a login', goLogin],
  ])('%s takes the first bytes of the stream with the request, and loses none', async (_name, peer) => {
    const early = new EarlyRequest('/early')
    const route = await socks5Route('early', { ...fieldsOf(peer), optimistic: true })
    const socket = await dial(route, { host: '127.0.0.1', port: target.http }, { early })
    expect(early.isSpent).toBe(true)
    expect(await text(socket)).toContain('"url":"/early"')
  })

  it('is quoted with its own code and text', async () => {
    const route = await socks5Route('proxy', fieldsOf(dante))
    const refused = dial(route, { host: '127.0.0.1', port: target.closed })
    await expect(refused).rejects.toMatchObject({
      kind: 'Unavailable',
      message:
        `a connection to 127.0.0.1:${target.closed} through overlay ` +
        'app:proxy failed: the proxy answered 5, connection refused',
      details: {
        overlay: 'app:proxy',
        replyCode: 5,
        reply: 'connection refused',
        target: `127.0.0.1:${target.closed}`,
      },
    })
    const forbidden = dial(route, { host: danteForbidden, port: 80 })
    await expect(forbidden).rejects.toMatchObject({ kind: 'Unavailable', details: { replyCode: 2 } })
  })
})
