import { createServer } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../../testing/application.ts'
import { type Origin, startOrigin } from '../../testing/servers.ts'
import { closeHttpPools, http, type RetryOptions } from '../../index.ts'
import { HeaderList } from './header-list.ts'
import { delayAfterResponse, RetryBudget } from './retry.ts'

let origin: Origin
/** The server's responses, in order; then 200. */
const script: [status: number, headers?: Record<string, string>][] = []
const at = (path = '/') => `http://127.0.0.1:${origin.port}${path}`
const clear = <T>(fn: () => T) => inFrame({ overlay: null, actor: { id: String((actors += 1)), meta: {} } }, fn)
/** Budgets belong to actors: each test has its own. */
let actors = 0
const soon: RetryOptions = { minDelay: 1, maxDelay: 2 }

beforeAll(async () => {
  origin = await startOrigin((request, response, body) => {
    const [status, headers] = script.shift() ?? [200]
    if (status === 0) request.socket.destroy()
    else if (status < 0) {
      // Breaks off in the middle of a body that is not read.
      response.writeHead(-status, { 'content-length': 1000, ...headers }).write('half')
      setImmediate(() => request.socket.destroy())
    } else response.writeHead(status, headers).end(body)
  })
})
beforeEach(() => {
  startApplication()
  origin.seen.length = 0
  script.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

describe('retries', () => {
  it('are off by default', async () => {
    script.push([503])
    expect((await clear(() => http.get(at()))).status).toBe(503)
    script.push([503])
    expect((await clear(() => http.get(at(), { retry: 0 }))).status).toBe(503)
    expect(origin.seen.length).toBe(2)
  })

  it('follow statuses that allow it, and broken connections, up to the limit', async () => {
    script.push([503], [0], [429])
    const response = await clear(() => http.put(at(), { body: 'again', retry: { ...soon, limit: 3 } }))
    expect([response.status, await response.text()]).toEqual([200, 'again'])
    expect(origin.seen.map(({ body }) => body)).toEqual(['again', 'again', 'again', 'again'])
    script.push([503], [503], [503], [503])
    expect((await clear(() => http.get(at(), { retry: { ...soon, limit: 2 } }))).status).toBe(503)
    expect(origin.seen.length).toBe(4 + 3)
    script.length = 0
    script.push([0], [0])
    await expect(clear(() => http.get(at(), { retry: { ...soon, limit: 1 } }))).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: true,
    })
  })

  it('do not depend on how the failed response or the redirect ends', async () => {
    script.push([-503], [-302, { location: '/there' }])
    const response = await clear(() => http.get(at(), { retry: soon }))
    expect([response.status, response.url]).toEqual([200, at('/there')])
  })

  it('reach a server that comes back', async () => {
    const { port, [Symbol.asyncDispose]: end } = await startOrigin()
    await end()
    const server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
    })
    const outgoing = clear(() =>
      http.get(`http://127.0.0.1:${port}/`, { retry: { limit: 9, minDelay: 50, maxDelay: '1s' } }),
    )
    await once(server.listen(port, '127.0.0.1'), 'listening')
    expect((await outgoing).status).toBe(204)
    server.close()
  })

  it.each([
    ['methods that are not idempotent', 'POST', { body: 'x' }],
    ['a stream', 'PUT', { body: ReadableStream.from(['x']) }],
    ['an answer that is one', 'GET', { retry: { ...soon, statuses: [500] } }],
  ])('do not repeat %s', async (_what, method, options) => {
    script.push([503])
    expect((await clear(() => http.request(method, at(), { retry: soon, ...options }))).status).toBe(503)
    expect(origin.seen.length).toBe(1)
  })

  it('repeat a method that the caller declares repeatable', async () => {
    script.push([503])
    expect((await clear(() => http.post(at(), { body: 'x', retry: { ...soon, methods: ['post'] } }))).status).toBe(200)
  })

  it('wait as long as Retry-After says, and as the backoff does', () => {
    const parsed = { limit: 5, minDelay: 100, maxDelay: 1000, maxRetryAfter: 60_000, methods: ['GET'], statuses: [429] }
    const outgoing = { method: 'GET', url: new URL('http://a/'), headers: new HeaderList(), body: undefined }
    const now = Date.parse('2026-11-24T12:00:00Z')
    const delay = (retryAfter: string | undefined, number = 0) =>
      delayAfterResponse(
        parsed,
        { outgoing, number, left: 30_000 },
        { status: 429, fields: { 'retry-after': retryAfter } },
        { random: () => 0.5, now },
      )
    expect(
      ['7', '0', new Date(now + 5000).toUTCString(), new Date(now - 5000).toUTCString(), 'soon', '31', '61'].map(
        (each) => delay(each),
      ),
    ).toEqual([7000, 50, 5000, 50, 50, undefined, undefined])
    expect([0, 1, 2, 3, 4, 5].map((number) => delay(undefined, number))).toEqual([50, 100, 200, 400, 500, undefined])
  })

  it('do not wait longer than the caller’s timeout or limit', async () => {
    script.push([429, { 'retry-after': '3600' }])
    expect((await clear(() => http.get(at(), { retry: soon }))).status).toBe(429)
    script.push([429, { 'retry-after': '20' }])
    expect((await clear(() => http.get(at(), { retry: soon, timeout: '10s' }))).status).toBe(429)
    script.push([429, { 'retry-after': '2' }])
    expect((await clear(() => http.get(at(), { retry: { ...soon, maxRetryAfter: '1s' } }))).status).toBe(429)
    expect(origin.seen.length).toBe(3)
  })

  it('end with the signal, while they wait', async () => {
    script.push([429, { 'retry-after': '30' }])
    const ending = new AbortController()
    const outgoing = clear(() => http.get(at(), { retry: soon, signal: ending.signal, timeout: '10m' }))
    await expect.poll(() => origin.seen.length).toBe(1)
    ending.abort()
    await expect(outgoing).rejects.toMatchObject({ kind: 'Canceled' })
  })

  it('have a budget: a server that always fails gets few more requests than without retries', async () => {
    await inFrame({ overlay: null, actor: { id: 'of one', meta: {} } }, async () => {
      for (let n = 0; n < 40; n += 1) script.push([503], [503], [503])
      for (let n = 0; n < 30; n += 1) await http.get(at(), { retry: { ...soon, limit: 2 } })
    })
    // Without a budget it would be 90. Ten are free, and some are added each second.
    expect(origin.seen.length).toBeLessThan(75)
    expect(origin.seen.length).toBeGreaterThanOrEqual(40)
  })
})

describe('the budget', () => {
  it('allows one retry for five requests, and ten in a second', () => {
    const budget = new RetryBudget(0)
    const spent = (now: number) => {
      let times = 0
      while (budget.spend(now)) times += 1
      return times
    }
    expect(spent(0)).toBe(10)
    expect(spent(500)).toBe(5)
    expect(spent(10_000)).toBe(10)
    for (let n = 0; n < 100; n += 1) budget.earn()
    expect(spent(10_000)).toBe(20)
    for (let n = 0; n < 10_000; n += 1) budget.earn()
    expect(spent(10_000)).toBe(100)
  })
})
