import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { Agent, request as undiciRequest } from 'undici'
import { entryId } from '@troupe/core'
import { inNetwork } from '@troupe/network/kernel'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  certificates,
  closedPort,
  type Origin,
  type Proxy,
  startOrigin,
  startProxy,
  startSecureOrigin,
} from '../testing/servers.ts'
import { network, type Network } from './network.ts'

const exit = '127.0.0.2'
const login = { username: 'ann', password: 'hunter2' }

let origin: Origin
let secure: Origin
let proxy: Proxy
let through: Network
const url = (path = '/') => `http://service.test:${origin.port}${path}`
const secureUrl = () => `https://secure.test:${secure.port}/`
const peers = () => [...origin.seen, ...secure.seen].map(({ peer }) => peer)

beforeEach(async () => {
  origin = await startOrigin((request, response, body) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/' })
    response.end(body === '' ? 'ok' : body)
  })
  secure = await startSecureOrigin()
  proxy = await startProxy(exit, login)
  through = network(`socks5://ann:hunter2@127.0.0.1:${proxy.port}`, { tls: { ca: certificates.ca } })
})
afterEach(async () => {
  await through.close()
  for (const each of [origin, secure, proxy]) await each[Symbol.asyncDispose]()
})

const got = async (send: (done: (response: http.IncomingMessage) => void) => http.ClientRequest) =>
  new Promise<string>((resolve, reject) => {
    send((response) => void text(response).then(resolve, reject))
      .on('error', reject)
      .end()
  })

describe('network(url)', () => {
  it('gives clients that go through the proxy, by name', async () => {
    expect(await (await through.fetch(url('/moved'))).text()).toBe('ok')
    expect(await (await through.fetch(new Request(url(), { method: 'POST', body: 'a' }))).text()).toBe('a')
    const form = new FormData()
    form.append('field', 'value')
    expect(await (await through.fetch(url(), { method: 'POST', body: form })).text()).toContain('name="field"')
    expect((await through.fetch(secureUrl())).status).toBe(200)
    expect(await got((done) => through.http.get(url(), done))).toBe('ok')
    expect(await got((done) => through.http.request(url(), { method: 'POST' }, done))).toBe('ok')
    expect(await got((done) => through.http.get(new URL(secureUrl()), done))).toBe('')
    expect(await got((done) => http.get(url(), { agent: through.agent }, done))).toBe('ok')
    expect(await got((done) => https.get(secureUrl(), { agent: through.agent }, done))).toBe('')
    const { port } = secure
    expect(await got((done) => https.get({ host: 'secure.test', port, agent: through.agent }, done))).toBe('')
    expect(await (await undiciRequest(url(), { dispatcher: through.dispatcher })).body.text()).toBe('ok')
    const socket = await through.connect('service.test', origin.port)
    socket.write('GET / HTTP/1.1\r\nhost: service.test\r\nconnection: close\r\n\r\n')
    expect(await text(socket)).toContain('200 OK')

    expect(new Set(peers())).toEqual(new Set([exit]))
    expect(new Set(proxy.asked.map(({ host }) => host))).toEqual(new Set(['service.test', 'secure.test']))
    expect(await through.health()).toEqual({ state: 'up' })
  })

  it('knows the default ports', async () => {
    await expect(got((done) => http.get('http://a.test/', { agent: through.agent }, done))).rejects.toThrow('a.test:80')
    await expect(got((done) => https.get('https://a.test/', { agent: through.agent }, done))).rejects.toThrow(
      'a.test:443',
    )
    await expect(through.fetch('https://b.test/')).rejects.toThrow('fetch failed')
    expect(proxy.asked.map(({ host, port }) => `${host}:${port}`)).toEqual(['a.test:80', 'a.test:443', 'b.test:443'])
  })

  it('changes nothing else in the thread', async () => {
    expect(await (await fetch(`http://127.0.0.1:${origin.port}/`)).text()).toBe('ok')
    expect(peers()).toEqual(['127.0.0.1'])
  })

  it('fails when the proxy is gone, and with a wrong login, without showing it', async () => {
    const ways = (clients: Network) => [
      clients.fetch(url()),
      clients.connect('service.test', origin.port),
      got((done) => clients.http.get(url(), done)),
      got((done) => http.get(url(), { agent: clients.agent }, done)),
    ]
    await using gone = network(`socks5://ann:hunter3@127.0.0.1:${closedPort}`)
    await using wrong = network(`socks5://ann:hunter3@127.0.0.1:${proxy.port}`)
    for (const clients of [gone, wrong]) {
      const results = await Promise.allSettled(ways(clients))
      const health = await clients.health()
      expect(results.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
      expect(health).toMatchObject({ state: 'down', reason: expect.any(String) as string })
      expect(inspect([results, health, clients], { depth: 12, showHidden: true })).not.toContain('hunter3')
    }
    expect(peers()).toEqual([])
  })

  it('refuses what would lead out of the network', async () => {
    const agent = new http.Agent()
    expect(() => through.http.get(url(), { agent })).toThrow('options.agent would take the request out')
    expect(() => through.http.get({ socketPath: '/x' })).toThrow('options.socketPath would take')
    await expect(got((done) => http.get({ socketPath: '/x', agent: through.agent }, done))).rejects.toThrow(
      '/x: a Unix',
    )
    const dispatcher = new Agent()
    const init: object = { dispatcher }
    await through.fetch(url(), init)
    await dispatcher.close()
    expect(peers()).toEqual([exit])
  })

  it('ends its connections when it is closed', async () => {
    const socket = await through.connect('service.test', origin.port)
    const { dispatcher } = through
    await through.fetch(url())
    await got((done) => through.http.get(url(), done))
    await through.close()
    await expect.poll(() => [socket.destroyed, proxy.connections.size]).toEqual([true, 0])
    await expect(through.connect('service.test', 1)).rejects.toMatchObject({ kind: 'Unavailable' })
    await expect(through.fetch(url())).rejects.toThrow('this network was closed')
    await expect(got((done) => through.http.get(url(), done))).rejects.toThrow('this network was closed')
    await expect(undiciRequest(url(), { dispatcher })).rejects.toThrow('destroyed')
    expect(await through.health()).toMatchObject({ state: 'down' })
  })

  it('is refused in a thread of an overlay, and for another URL', async () => {
    const overlay = entryId('app:tor')
    expect(() => inNetwork(overlay, () => network('socks5://127.0.0.1:1'))).toThrow('runs in overlay app:tor')
    await expect(inNetwork(overlay, async () => through.connect('service.test', 1))).rejects.toThrow('app:tor')
    expect(() => network('http://ann:hunter2@h:1')).toThrow('network: "http:" is not a kind of proxy')
  })
})
