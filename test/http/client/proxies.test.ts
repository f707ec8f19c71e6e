/** The HTTP client through real proxies: the features of the clear network, and the errors when a proxy refuses. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { type EntryId, entryId } from '@troupe/core'
import { provideNetworkAccess, type Route } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { http, type RequestOptions } from 'troupe'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { socks5Route } from '../../overlays/socks5-fixture.ts'
import { danteForbidden } from '../../peers/dante.ts'
import type { ProxyPeer } from '../../peers/peers.ts'

const { target, microsocks, microsocksLogin, dante, danteLogin, go, goLogin } = inject('peers')
const pem = (name: string) =>
  readFileSync(new URL(`../../../packages/http/src/testing/tls/${name}`, import.meta.url), 'utf8')
const ca = pem('ca.pem')
const routes = new Map<EntryId, Route>()
let plain: Server
let secure: Server

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

beforeAll(async () => {
  plain = createServer((request, response) => {
    const to = new URL(request.url ?? '/', 'http://origin').searchParams.get('to')
    if (to !== null) response.writeHead(307, { location: to })
    request.pipe(response)
  })
  const options = {
    allowHTTP1: true,
    cert: pem('server.pem'),
    key: pem('server.key'),
    ca,
    requestCert: true,
    rejectUnauthorized: false,
  }
  secure = createSecureServer(options, (request, response) => {
    const certificate: unknown = Reflect.get(request.stream.session?.socket ?? request.socket, 'authorized')
    response.setHeader('x-version', request.httpVersion)
    response.end(`client certificate: ${String(certificate)}`)
  })
  await Promise.all([plain, secure].map(async (server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  provideNetworkAccess({
    select: async () => {},
    async route(overlay) {
      const route = routes.get(overlay)
      if (route === undefined) throw new Error(`no route for ${overlay}`)
      return Promise.resolve(route)
    },
  })
})
afterAll(() => {
  plain.close()
  secure.close()
})

async function overlayOn(name: string, { host, port, login }: ProxyPeer, password = login?.password): Promise<EntryId> {
  const entry = name.replaceAll(/\W/g, '_')
  const id = entryId(`app:${entry}`)
  routes.set(id, await socks5Route(entry, { host, port, ...(login && { username: login.username, password }) }))
  return id
}

function send(overlay: EntryId, method: string, url: string, options: RequestOptions = {}) {
  rebindThreadNetwork({ overlay })
  return http.request(method, url, options)
}

describe.each([
  ['microsocks', microsocks],
  ['microsocks with a login', microsocksLogin],
  ['dante', dante],
  ['dante with a login', danteLogin],
  ['go-socks5', go],
  ['go-socks5 with a login', goLogin],
])('through %s', (name, peer) => {
  it('a name, a redirect, files and a stream', async () => {
    const overlay = await overlayOn(name, peer)
    const to = `http://127.0.0.1:${portOf(plain)}/there`
    const files = [{ name: 'file', filename: 'f', content: new Blob(['x'.repeat(200_000)]) }]
    const response = await send(overlay, 'POST', `http://localhost:${portOf(plain)}/?to=${encodeURIComponent(to)}`, {
      files,
      stream: true,
    })
    expect([response.status, response.url, response.redirected]).toEqual([200, to, true])
    expect(response.body && (await text(response.body))).toContain('x'.repeat(200_000))
  })

  it('TLS with every option, and HTTP/2', async () => {
    const overlay = await overlayOn(name, peer)
    const url = `https://127.0.0.1:${portOf(secure)}/`
    const client = { cert: pem('client.pem'), key: pem('client.key') }
    const known = await send(overlay, 'GET', url, { tls: { ca, serverName: 'secure.test', ...client } })
    expect([known.headers.get('x-version'), await known.text()]).toEqual(['2.0', 'client certificate: true'])
    const unknown = await send(overlay, 'GET', url, { tls: { insecureSkipVerify: true } })
    expect(await unknown.text()).toBe('client certificate: false')
    await expect(send(overlay, 'GET', url)).rejects.toMatchObject({ kind: 'Unavailable', retryable: false })
  })
})

describe('a proxy that refuses reports the reason', () => {
  it.each([
    ['microsocks: closed port', microsocks, (): string => `http://127.0.0.1:${target.closed}/`, /refused/i],
    ['dante: closed port', dante, (): string => `http://127.0.0.1:${target.closed}/`, /refused/i],
    ['dante: its rules', dante, (): string => `http://${danteForbidden}/`, /not allowed by the proxy's rules/],
    ['go-socks5: closed port', go, (): string => `http://127.0.0.1:${target.closed}/`, /refused/i],
  ] as const)('%s', async (name, peer, url, words) => {
    const overlay = await overlayOn(name, peer)
    const failure = send(overlay, 'GET', url(), { timeout: '20s' })
    await expect(failure).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      message: expect.stringMatching(words) as string,
      details: { overlay, method: 'GET', replyCode: expect.any(Number) as number },
    })
  })

  it.each([
    ['microsocks', microsocksLogin],
    ['dante', danteLogin],
    ['go-socks5', goLogin],
  ])('%s: the login, which is not repeated', async (name, peer) => {
    const overlay = await overlayOn(`${name}: login`, peer, 'wrong-password')
    const error: unknown = await send(overlay, 'GET', `http://127.0.0.1:${portOf(plain)}/`).catch(
      (error: unknown) => error,
    )
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { stage: 'login' } })
    expect(String(error)).not.toContain('wrong-password')
  })
})
