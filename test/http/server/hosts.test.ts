import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { statusOf } from '../websocket/socket-app.ts'
import { startWebApp, type WebApp } from './web-app.ts'

const endpoints = { reported: { path: '/reported', func: 'reported' } }

async function asked(web: WebApp, headers: Readonly<Record<string, string>>) {
  const sent = request({ port: web.port, host: '127.0.0.1', path: '/reported', headers, agent: false })
  sent.end()
  const response = await new Promise<IncomingMessage>((resolve) => sent.once('response', resolve))
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, connection: response.headers.connection, text }
}

const status = async (web: WebApp, host: string) => (await asked(web, { host })).status

async function raw(web: WebApp, bytes: string): Promise<string> {
  const socket = connect(web.port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

describe('a service on loopback', () => {
  it('accepts only loopback names, and closes the connection of others', async () => {
    await using web = await startWebApp({ endpoints })
    for (const host of [
      'localhost',
      'LocalHost:1234',
      'app.localhost',
      '127.0.0.1',
      `127.0.0.1:${web.port}`,
      '[::1]',
      '[::1]:80',
      '127.1',
    ])
      expect([host, await status(web, host)]).toEqual([host, 200])
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      'notlocalhost',
      '192.0.2.1',
      '127.0.0.1.evil.example',
      '[::2]',
      '10.0.0.1:80',
    ])
      expect([host, await status(web, host)]).toEqual([host, 421])
    expect(await asked(web, { host: 'evil.example' })).toMatchObject({ connection: 'close' })
  })

  it('uses an absolute target before the Host header', async () => {
    await using web = await startWebApp({ endpoints })
    const get = async (target: string, host: string) =>
      (await raw(web, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).slice(9, 12)
    expect(await get('http://localhost/reported', 'evil.example')).toBe('200')
    expect(await get('http://evil.example/reported', 'localhost')).toBe('421')
  })

  it('does so over HTTP/2, too', async () => {
    await using web = await startWebApp({ endpoints, protocol: 'HTTP/2' })
    const session = connectHttp2(web.url, { ca: web.ca ?? '' })
    const stream = session.request({ ':path': '/reported', ':authority': 'evil.example' })
    const answers: readonly unknown[] = await once(stream, 'response')
    expect(answers[0]).toMatchObject({ ':status': 421 })
    stream.resume()
    await once(session, 'close')
    expect((await web.fetch('/reported')).status).toBe(200)
  })
})

describe('a service with a list of hosts', () => {
  it('accepts only those', async () => {
    await using web = await startWebApp({
      endpoints,
      service: { hosts: ['example.com', '*.example.org', 'ported.test:8443'] },
    })
    for (const host of [
      'example.com',
      'Example.com.',
      'example.com:99',
      'a.example.org',
      'a.b.example.org:1',
      'ported.test:8443',
    ])
      expect([host, await status(web, host)]).toEqual([host, 200])
    for (const host of [
      'localhost',
      'example.org',
      'aexample.org',
      'example.com.evil.test',
      'ported.test',
      'ported.test:1',
    ])
      expect([host, await status(web, host)]).toEqual([host, 421])
  })
})

describe('pages that open WebSockets', () => {
  const entries = [
    { id: 'app:host', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
    { id: 'app:talk', kind: 'process.ts', source: 'file://../websocket/fixtures/programs.ts', method: 'echo' },
    {
      id: 'app:socket',
      kind: 'http.websocket',
      meta: { router: 'app:router' },
      path: '/socket',
      process: 'app:talk',
      host: 'app:host',
    },
  ]
  const open = async (web: WebApp, host: string, origin: string) =>
    statusOf(`ws://127.0.0.1:${web.port}/socket`, { headers: { host, origin } })

  it('on loopback must be on loopback', async () => {
    await using web = await startWebApp({ entries })
    expect(await open(web, 'localhost:1', 'http://localhost:1')).toBe(101)
    expect(await open(web, 'localhost:1', 'http://evil.example')).toBe(403)
    expect(await open(web, 'evil.example', 'http://evil.example')).toBe(421)
  })

  it('on all addresses accept configured host names and addresses, but no other name that resolves there', async () => {
    await using web = await startWebApp({ entries, endpoints, service: { addr: ':0' } })
    expect(await status(web, 'any.example')).toBe(200)
    expect(await open(web, 'any.example', 'http://any.example')).toBe(403)
    expect(await open(web, '192.0.2.1:80', 'http://192.0.2.1:80')).toBe(403)
    expect(await open(web, '192.0.2.1:8080', 'http://192.0.2.1:8080')).toBe(101)
    expect(await open(web, 'localhost:8080', 'http://localhost:8080')).toBe(101)
  })

  it('of a host in the list are allowed', async () => {
    await using web = await startWebApp({ entries, service: { addr: ':0', hosts: ['example.com'] } })
    expect(await open(web, 'example.com', 'https://example.com')).toBe(101)
    expect(await open(web, 'example.com', 'https://other.example')).toBe(403)
  })
})

describe('forwarded headers of proxies', () => {
  const forwarded = {
    host: 'localhost',
    'x-forwarded-for': '203.0.113.7, 198.51.100.9',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'example.com',
    forwarded: 'for=203.0.113.8',
    'x-real-ip': '203.0.113.9',
    'x-mine': 'kept',
  }

  it.each([['inline'], [{ max: 1 }]])('are ignored and removed, if the proxy is not trusted: %j', async (pool) => {
    await using web = await startWebApp({ pool, endpoints: { seen: { path: '/reported', func: 'seen' } } })
    const { text } = await asked(web, forwarded)
    expect(JSON.parse(text)).toEqual({ url: 'http://localhost/reported', remoteAddress: '127.0.0.1', reported: [] })
  })

  it.each([['inline'], [{ max: 1 }]])('are used if it is trusted: %j', async (pool) => {
    await using web = await startWebApp({
      pool,
      endpoints: { seen: { path: '/reported', func: 'seen' } },
      service: { trusted_proxies: ['127.0.0.0/8', '198.51.100.0/24'], hosts: ['example.com'] },
    })
    const { status: answered, text } = await asked(web, forwarded)
    expect(answered).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ url: 'https://example.com/reported', remoteAddress: '203.0.113.7' })
    expect((await asked(web, { ...forwarded, 'x-forwarded-host': 'evil.example' })).status).toBe(421)
    const standard = {
      host: 'localhost',
      forwarded: 'for=192.0.2.1, for="203.0.113.7:80";proto=http, for=198.51.100.9;host="example.com";Proto=https',
    }
    expect(JSON.parse((await asked(web, standard)).text)).toMatchObject({
      url: 'https://example.com/reported',
      remoteAddress: '203.0.113.7',
    })
  })
})
