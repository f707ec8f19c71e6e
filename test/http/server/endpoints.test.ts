import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RequestInit } from 'undici'
import { protocols, startWebApp, type WebApp } from './web-app.ts'

/** In the server's thread, and in others. */
const pools = [
  ['inline', 'inline'],
  ['on a pool', { max: 2 }],
] as const

const ways = protocols.flatMap((protocol) => pools.map(([name, pool]) => [name, protocol, pool] as const))

describe.each(ways)('a function that handles requests %s, over %s', (_, protocol, pool) => {
  let web: WebApp

  beforeAll(async () => {
    web = await startWebApp({
      protocol,
      pool,
      endpoints: {
        hello: { path: '/hello', func: 'hello' },
        user: { path: '/users/{id}', func: 'reported' },
        me: { path: '/users/me', func: 'hello' },
        post: { method: 'POST', path: '/users/{id}', func: 'reported' },
        files: { path: '/files/{rest...}', func: 'reported' },
        star: { method: '*', path: '/any/*', func: 'reported' },
        fail: { path: '/fail', func: 'fail' },
        none: { path: '/none', func: 'noResponse' },
        echo: { method: 'POST', path: '/echo', func: 'echo' },
        size: { method: 'POST', path: '/size', func: 'size' },
        cookies: { path: '/cookies', func: 'cookies' },
        empty: { path: '/empty', func: 'empty' },
        exists: { method: 'HEAD', path: '/exists', func: 'cookies' },
        ticks: { path: '/ticks', func: 'ticks' },
        broken: { path: '/broken', func: 'broken' },
        patient: { path: '/patient', func: 'patient' },
        frame: { path: '/frame', func: 'frame' },
        stray: { path: '/stray', func: 'stray' },
      },
    })
  })

  afterAll(async () => {
    await web[Symbol.asyncDispose]()
  })

  const get = async (path: string, init?: RequestInit) => web.fetch(path, init)

  it('responds', async () => {
    const response = await get('/hello')
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
      200,
      '11',
      'hello world',
    ])
  })

  it('gets the request and its context', async () => {
    const response = await get('/users/a%2Fb?x=1', { method: 'POST', body: 'hi', headers: { 'x-mine': 'a' } })
    expect(await response.json()).toEqual({
      method: 'POST',
      url: `${web.url}/users/a%2Fb?x=1`,
      header: 'a',
      params: { id: 'a/b' },
      remoteAddress: '127.0.0.1',
      service: 'app:web',
      endpoint: 'app:post-endpoint',
      body: 'hi',
    })
  })

  it('gets the rest of a path, and any method', async () => {
    const paramsAt = async (path: string, method = 'GET') => {
      const reported: unknown = await (await get(path, { method })).json()
      return typeof reported === 'object' && reported !== null && 'params' in reported ? reported.params : undefined
    }
    expect(await paramsAt('/files/a/b.txt')).toEqual({ rest: 'a/b.txt' })
    expect(await paramsAt('/files/')).toEqual({ rest: '' })
    expect(await paramsAt('/any/x/y', 'DELETE')).toEqual({ '*': 'x/y' })
  })

  it('has lower precedence than one with a more specific path', async () => {
    expect(await (await get('/users/me')).text()).toBe('hello world')
  })

  it('handles HEAD if it handles GET', async () => {
    const response = await get('/hello', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('handles only HEAD if its method is HEAD', async () => {
    const response = await get('/exists', { method: 'HEAD' })
    expect([response.status, response.headers.get('x-one'), await response.text()]).toEqual([200, '1', ''])
    const other = await get('/exists')
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'HEAD'])
  })

  it('is distinguished from a missing one', async () => {
    expect((await get('/nowhere')).status).toBe(404)
    const response = await get('/hello', { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it.each([
    ['', 500],
    ['?kind=NotFound', 404],
    ['?kind=PermissionDenied', 403],
    ['?kind=Invalid', 400],
    ['?kind=RateLimited', 429],
    ['?kind=Timeout', 504],
    ['?kind=Unavailable', 503],
  ])('that throws is a failure of its kind: %s', async (query, status) => {
    const response = await get(`/fail${query}`)
    const text = await response.text()
    expect(response.status).toBe(status)
    expect(JSON.parse(text)).toMatchObject({ status })
    expect(text).not.toContain('secret')
    await expect.poll(() => web.app.log.some((line) => line.includes('the secret is 42'))).toBe(true)
  })

  it('that returns another value has failed', async () => {
    expect((await get('/none')).status).toBe(500)
  })

  it('that fails in a callback ends only its own request', async () => {
    expect((await get('/stray')).status).toBe(500)
    expect((await get('/hello')).status).toBe(200)
  })

  it('sends headers, cookies, and no body', async () => {
    const cookies = await get('/cookies')
    expect([cookies.headers.getSetCookie(), cookies.headers.get('x-one')]).toEqual([['a=1', 'b=2'], '1'])
    const empty = await get('/empty')
    expect([empty.status, await empty.text()]).toEqual([204, ''])
  })

  it('receives and sends bodies of any length', async () => {
    for (const length of [1, 65_536, 65_537, 5_000_000]) {
      const body = new Uint8Array(length).map((_byte, index) => index % 251)
      const response = await get('/echo', { method: 'POST', body })
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
    }
    expect(await (await get('/size', { method: 'POST', body: new Uint8Array(3_000_000) })).text()).toBe('3000000')
  })

  it('streams in both directions at once', async () => {
    let send: (text: string) => void = () => undefined
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (text) => {
          controller.enqueue(Buffer.from(text))
          if (text === 'end') controller.close()
        }
      },
    })
    const asked = get('/echo', { method: 'POST', body, duplex: 'half' })
    send('one')
    const response = await asked
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('one')
    send('end')
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('end')
    expect((await reader?.read())?.done).toBe(true)
  })

  it('sends events as they occur', async () => {
    const response = await get('/ticks')
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('data: 3')) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(text.startsWith('data: 1\n\ndata: 2\n\ndata: 3\n\n')).toBe(true)
    await reader?.cancel()
    await expect.poll(() => web.app.log.filter((line) => line.includes('ticks ended')).length).toBeGreaterThan(0)
  })

  it('that ends early breaks the connection, and sends nothing more', async () => {
    const response = await get('/broken')
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
    expect((await get('/hello')).status).toBe(200)
  })

  it('is notified when its client has disconnected', async () => {
    const client = new AbortController()
    const asked = get('/patient', { signal: client.signal })
    const waiting = () => web.app.log.filter((line) => line.includes('waiting')).length
    await expect.poll(waiting).toBeGreaterThan(0)
    client.abort()
    await expect(asked).rejects.toThrow('abort')
    await expect.poll(() => web.app.log.filter((line) => line.includes('gone')).length).toBe(waiting())
  })

  it('runs in a frame with the deadline and the trace of the request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const frame: unknown = await (await get('/frame', { headers: { traceparent } })).json()
    const trace = typeof frame === 'object' && frame !== null && 'trace' in frame ? frame.trace : undefined
    expect(trace).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/)
  })
})
