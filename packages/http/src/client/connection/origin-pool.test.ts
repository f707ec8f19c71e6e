import { entryId } from '@troupe/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, inFrame, startApplication } from '../../testing/application.ts'
import {
  certificates,
  type Origin,
  type Proxy,
  startHttp2Origin,
  startMute,
  startOrigin,
  startProxy,
  startSecureOrigin,
} from '../../testing/servers.ts'
import { closeHttpPools, http } from '../../index.ts'

const overlay = entryId('app:a')
const tls = { ca: certificates.ca }
let plain: Origin
let secure: Origin
let two: Origin
let proxy: Proxy
let application: Application
const held: (() => void)[] = []
const many = (count: number, send: () => Promise<Response>) =>
  Promise.all(Array.from({ length: count }, async () => (await send()).text()))
const portsOf = (origin: Origin) => new Set(origin.seen.map(({ port }) => port)).size

beforeAll(async () => {
  const handler: Parameters<typeof startOrigin>[0] = (request, response, body) => {
    if (request.url === '/close') response.setHeader('connection', 'close')
    if (request.url === '/held') held.push(() => response.end('held'))
    else response.end(body)
  }
  plain = await startOrigin(handler)
  secure = await startSecureOrigin(handler)
  two = await startHttp2Origin()
  proxy = await startProxy('127.0.0.2')
})
beforeEach(() => {
  application = startApplication({ [overlay]: proxy.port })
})
afterEach(async () => {
  await closeHttpPools(0)
  held.length = 0
  for (const origin of [plain, secure, two]) origin.seen.length = 0
})
afterAll(async () => {
  for (const each of [plain, secure, two, proxy]) await each[Symbol.asyncDispose]()
})

describe.each([
  ['in the clear', null],
  ['through an overlay', overlay],
])('connections %s', (_way, chosen) => {
  const inside = <T>(fn: () => T) => inFrame({ overlay: chosen }, fn)
  const get = (origin: Origin, path = '/') =>
    inside(() => http.get(`${origin === plain ? 'http' : 'https'}://localhost:${origin.port}${path}`, { tls }))

  it('are as many as concurrent requests, and are reused', async () => {
    await many(8, () => get(plain))
    expect(portsOf(plain)).toBeLessThanOrEqual(8)
    await many(8, () => get(plain))
    expect(portsOf(plain)).toBeLessThanOrEqual(8)
    const before = portsOf(plain)
    for (let n = 0; n < 5; n += 1) await (await get(plain)).text()
    expect(portsOf(plain)).toBe(before)
  })

  it('share one connection with HTTP/2', async () => {
    expect(await many(12, () => get(two))).toEqual(Array.from({ length: 12 }, () => 'two'))
    expect(portsOf(two)).toBe(1)
  })

  it('are several with TLS and HTTP/1.1, once the first has negotiated', async () => {
    const sent = Array.from({ length: 4 }, () => get(secure, '/held'))
    await expect.poll(() => held.length).toBe(4)
    expect(portsOf(secure)).toBe(4)
    for (const answer of held) answer()
    await Promise.all(sent)
  })

  it('that the server closes are replaced', async () => {
    for (let n = 0; n < 3; n += 1) await (await get(plain, '/close')).text()
    expect(portsOf(plain)).toBe(3)
  })

  it('that others wait for are not reopened once all are closed', async () => {
    const mute = await startMute()
    const sent = Array.from({ length: 3 }, () =>
      inside(() => http.get(`https://127.0.0.1:${mute.port}/`, { tls, timeout: '10m' })),
    )
    await expect.poll(() => mute.connections.size).toBe(1)
    const outcomes = Promise.allSettled(sent)
    await closeHttpPools(0)
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'Canceled' } })
    await expect.poll(() => mute.connections.size).toBe(0)
    await mute[Symbol.asyncDispose]()
  })

  it('are not waited for if the first request was never sent', async () => {
    const missing = inside(() =>
      http.post(`https://localhost:${secure.port}/`, { tls, files: [{ name: 'f', path: '/nowhere/at/all' }] }),
    )
    const others = many(3, () => get(secure))
    await expect(missing).rejects.toMatchObject({ kind: 'Invalid' })
    expect(await others).toEqual(['', '', ''])
  })

  it('are opened again after a first one failed', async () => {
    const gone = await startSecureOrigin()
    await gone[Symbol.asyncDispose]()
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => get(gone)))
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'Unavailable' } })
  })
})

describe('TLS without verification', () => {
  const skip = { tls: { insecureSkipVerify: true } }

  it.each([
    ['in the clear', null],
    ['through an overlay', overlay],
  ])('needs permission for %s, and its connection is not shared with requests that verify', async (_way, chosen) => {
    application.govern()
    const url = `https://localhost:${secure.port}/`
    const inside = <T>(fn: () => T) => inFrame({ overlay: chosen }, fn)
    expect((await inside(() => http.get(url, skip))).status).toBe(200)
    expect(application.asked).toContain(`http_client.insecure_tls of ${url}`)
    await expect(inside(() => http.get(url))).rejects.toMatchObject({ kind: 'Unavailable' })
    application.forbidden.add(`http_client.insecure_tls of ${url}`)
    await expect(inside(() => http.get(url, skip))).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(secure.seen.length).toBe(1)
  })

  it('needs permission after a redirect, too', async () => {
    application.govern()
    const to = `https://127.0.0.1:${secure.port}/`
    await using start = await startOrigin((_request, response) => void response.writeHead(302, { location: to }).end())
    await inFrame({ overlay: null }, () => http.get(`http://127.0.0.1:${start.port}/`, skip))
    expect(application.asked.filter((each) => each.includes('insecure'))).toEqual([`http_client.insecure_tls of ${to}`])
  })
})

describe('policies', () => {
  it('are evaluated for each hop, and end it before anything is sent', async () => {
    application.govern()
    const there = `http://127.0.0.1:${plain.port}/there`
    await using start = await startOrigin(
      (_request, response) => void response.writeHead(302, { location: there }).end(),
    )
    application.forbidden.add(`http_client.request of ${there}`)
    const sent = inFrame({ overlay: null }, () => http.get(`http://127.0.0.1:${start.port}/`))
    await expect(sent).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'http_client.request', resource: there },
    })
    expect(plain.seen).toEqual([])
  })
})
