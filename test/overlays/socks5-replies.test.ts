/** Replies of real proxies, and the resulting errors. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { associate, dial, resolve, reverse, type Route, type Target } from '@troupe/network'
import { describe, expect, inject, it } from 'vitest'
import { danteForbidden } from '../peers/dante.ts'
import type { ProxyPeer } from '../peers/peers.ts'
import { httpOver } from './http-over.ts'
import { socks5Route } from './socks5-fixture.ts'

const { target, microsocks, dante, danteLogin, go, python, tor } = inject('peers')

const impossibleName = `${'a'.repeat(64)}.invalid`
const at = ({ host, port }: Pick<ProxyPeer, 'host' | 'port'>) => socks5Route('proxy', { host, port })
const failing = async (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: unknown) => error)

describe('a refusal', () => {
  const refused: Target = { host: '127.0.0.1', port: target.closed }
  const unknown: Target = { host: impossibleName, port: 80 }
  const nowhere: Target = { host: 'nowhere.test', port: 80 }
  it.each<[string, Pick<ProxyPeer, 'host' | 'port'>, string, Target, number, string]>([
    ['microsocks', microsocks, 'a refused connection', refused, 5, 'connection refused'],
    ['microsocks', microsocks, 'an unknown name', unknown, 1, 'general failure'],
    ['dante', dante, 'a refused connection', refused, 5, 'connection refused'],
    ['dante', dante, 'an unknown name', unknown, 4, 'host unreachable'],
    ['dante', dante, 'a forbidden target', { host: danteForbidden, port: 80 }, 2, "not allowed by the proxy's rules"],
    ['go-socks5', go, 'a refused connection', refused, 5, 'connection refused'],
    ['go-socks5', go, 'an unknown name', unknown, 4, 'host unreachable'],
    ['asyncio-socks-server', python, 'a refused connection', refused, 5, 'connection refused'],
    ['Tor', tor.socks, 'a refused connection', { host: 'web.test', port: target.closed }, 1, 'general failure'],
    ['Tor', tor.socks, 'an unknown name', nowhere, 4, 'host unreachable'],
    ['Tor', tor.socks, 'a bad onion address', { host: `${'a'.repeat(56)}.onion`, port: 80 }, 1, 'general failure'],
    [
      'Tor with ExtendedErrors',
      tor.extended,
      'a bad onion address',
      { host: `${'a'.repeat(56)}.onion`, port: 80 },
      246,
      'not a valid onion address',
    ],
    [
      'Tor with ExtendedErrors',
      tor.extended,
      'an absent onion service',
      { host: absentOnion(), port: 80 },
      240,
      'onion service descriptor not found',
    ],
  ])('of $0 for $2 is quoted', async (_name, peer, _case, to, replyCode, reply) => {
    expect(await failing(dial(await at(peer), to))).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { stage: 'request', replyCode, reply },
    })
  })
})

describe('what a proxy does not support', () => {
  const notSupported = {
    kind: 'Invalid',
    retryable: false,
    message: expect.stringContaining('not supported') as string,
  }
  it.each([
    ['microsocks', microsocks],
    ['go-socks5', go],
    ['Tor', tor.socks],
  ])('%s: datagrams', async (_name, peer) => {
    expect(await failing(associate(await at(peer)))).toMatchObject({ ...notSupported, details: { replyCode: 7 } })
  })

  it('microsocks: look-ups', async () => {
    expect(await failing(resolve(await at(microsocks), 'web.test'))).toMatchObject(notSupported)
    expect(await failing(reverse(await at(microsocks), '192.0.2.1'))).toMatchObject(notSupported)
  })

  it('go-socks5: look-ups, though it looks up the name before it checks the command', async () => {
    expect(await failing(resolve(await at(go), 'localhost'))).toMatchObject(notSupported)
    expect(await failing(resolve(await at(go), impossibleName))).toMatchObject({
      kind: 'Unavailable',
      details: { replyCode: 4 },
    })
    expect(await failing(reverse(await at(go), '192.0.2.1'))).toMatchObject(notSupported)
  })

  it('dante: look-ups, to which it replies by closing', async () => {
    expect(await failing(resolve(await at(dante), 'web.test'))).toMatchObject({
      kind: 'Unavailable',
      details: { stage: 'request', code: 'FIN' },
    })
  })
})

describe('datagrams', () => {
  it('pass through dante, by address and by name', async () => {
    const association = await associate(await at(dante))
    for (const host of ['127.0.0.1', 'localhost']) {
      const answer = once(association, 'message')
      await association.send(Buffer.from(`to ${host}`), { host, port: target.udp })
      expect(await answer).toEqual([Buffer.from(`to ${host}`), { host: '127.0.0.1', port: target.udp }])
    }
    const closed = once(association, 'close')
    association.close()
    expect(await closed).toEqual([undefined])
  })
})

describe('one write', () => {
  it.each<[string, () => Promise<Route>]>([
    ['go-socks5', async () => socks5Route('proxy', { host: go.host, port: go.port, optimistic: true })],
    ['dante', async () => socks5Route('proxy', { host: dante.host, port: dante.port, optimistic: true })],
    [
      'dante with a login',
      async () =>
        socks5Route('proxy', { host: danteLogin.host, port: danteLogin.port, ...danteLogin.login, optimistic: true }),
    ],
    ['Tor', async () => socks5Route('proxy', { ...tor.socks, optimistic: true })],
    [
      'Tor with a login',
      async () => socks5Route('proxy', { ...tor.socks, username: 'u', password: 'p', optimistic: true }),
    ],
    ['Tor on a Unix socket', async () => socks5Route('proxy', { host: `unix:${tor.unix}`, optimistic: true })],
  ])('is accepted by %s', async (name, routeOf) => {
    const host = name.startsWith('Tor') ? 'web.test' : 'localhost'
    expect(await httpOver(await dial(await routeOf(), { host, port: target.http }), '/at-once')).toMatchObject({
      url: '/at-once',
    })
  })

  it('is lost by microsocks, and the error gives advice', async () => {
    const { host, port } = microsocks
    const route = await socks5Route('proxy', { host, port, optimistic: true, handshake_timeout: '100ms' })
    expect(await failing(dial(route, { host: 'localhost', port: target.http }))).toMatchObject({
      kind: 'Timeout',
      message: expect.stringContaining('optimistic: false') as string,
      details: { limit: 'handshake_timeout', stage: 'request' },
    })
  })
})

/** The address of an onion service that does not exist (rend-spec-v3): a key, its checksum, the version. */
function absentOnion(): string {
  const key = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const version = Buffer.from([3])
  const checksum = createHash('sha3-256').update('.onion checksum').update(key).update(version).digest().subarray(0, 2)
  const bits = Array.from(Buffer.concat([key, checksum, version]), (byte) => byte.toString(2).padStart(8, '0')).join('')
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  return `${bits.replaceAll(/.{5}/g, (five) => letters[Number.parseInt(five, 2)] ?? '')}.onion`
}
