import { gunzipSync } from 'node:zlib'
import { entryId } from '@troupe/core'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { middleware, type MiddlewareContext, type RoutedEndpoint } from './index.ts'
import { type MiddlewareName, middlewareNames, middlewareProblems, middlewareOptions } from './options.ts'

interface Setting {
  readonly peer?: string
  readonly endpoint?: RoutedEndpoint
}

function toolsOf({ peer, endpoint }: Setting): MiddlewareContext {
  return {
    peer: () => peer,
    endpoint: () => endpoint,
    onEnd: () => undefined,
    failed: () => undefined,
    cut: () => undefined,
  }
}

/** A router with these middleware, whose handler responds with what it saw. */
function router(
  names: readonly MiddlewareName[],
  options: z.input<typeof middlewareOptions> = {},
  setting: Setting = {},
): Hono {
  const parsed = middlewareOptions().parse(options)
  const app = new Hono()
  app.onError(() => new Response('failed', { status: 500 }))
  for (const name of names) app.use(middleware(name, parsed, toolsOf(setting)))
  app.get('/text', () => new Response('words '.repeat(1000), { headers: { 'content-type': 'text/plain' } }))
  app.get(
    '/events',
    () => new Response('data: 1\n\n'.repeat(1000), { headers: { 'content-type': 'text/event-stream' } }),
  )
  app.get('/headers', ({ req }) => Response.json(Object.fromEntries(req.raw.headers)))
  app.post('/body', async ({ req }) => new Response(`${(await req.raw.arrayBuffer()).byteLength}`))
  return app
}

function chunks(count: number, size: number): ReadableStream<Uint8Array> {
  let left = count
  return new ReadableStream({
    pull(controller) {
      if (left === 0) controller.close()
      else controller.enqueue(new Uint8Array(size))
      left -= 1
    },
  })
}

describe('cors', () => {
  it('answers preflights of the configured origins, and of no others', async () => {
    const app = router(['cors'], {
      cors: { origins: ['https://a.test'], allowHeaders: ['x-mine'], maxAge: '10m', credentials: true },
    })
    const ask = async (origin: string) =>
      app.request('/text', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } })
    const known = await ask('https://a.test')
    expect(known.status).toBe(204)
    expect(Object.fromEntries(known.headers)).toMatchObject({
      'access-control-allow-origin': 'https://a.test',
      'access-control-allow-headers': 'x-mine',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '600',
      'access-control-allow-methods': 'GET,HEAD,PUT,POST,DELETE,PATCH',
    })
    expect((await ask('https://b.test')).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('allows all origins if none are configured', async () => {
    const response = await router(['cors']).request('/text', { headers: { origin: 'https://b.test' } })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('compression', () => {
  it('compresses text for clients that accept it', async () => {
    const app = router(['compression'])
    const response = await app.request('/text', { headers: { 'accept-encoding': 'gzip' } })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(await response.arrayBuffer()).toString()).toBe('words '.repeat(1000))
    expect((await app.request('/text')).headers.get('content-encoding')).toBeNull()
  })

  it('leaves event streams uncompressed: they must arrive at once', async () => {
    const response = await router(['compression']).request('/events', { headers: { 'accept-encoding': 'gzip' } })
    expect(response.headers.get('content-encoding')).toBeNull()
  })
})

describe('rate_limit', () => {
  const limited = (key: 'ip' | { header: string }, setting: Setting, maxKeys = 10) =>
    router(['rate_limit'], { rateLimit: { limit: 2, window: '1h', key, maxKeys } }, setting)

  it('refuses with 429 and Retry-After, and sends the remaining quota before', async () => {
    const app = limited('ip', { peer: '192.0.2.1' })
    const answers = [await app.request('/text'), await app.request('/text'), await app.request('/text')]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(answers.map(({ headers }) => headers.get('ratelimit')?.replace(/reset=\d+/, 'reset=x'))).toEqual([
      'limit=2, remaining=1, reset=x',
      'limit=2, remaining=0, reset=x',
      'limit=2, remaining=0, reset=x',
    ])
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('2;w=3600')
    expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(3500)
  })

  it('counts the addresses of an IPv6 network together, others apart', async () => {
    const options = middlewareOptions().parse({ rateLimit: { limit: 1, window: '1h' } })
    let peer = ''
    const app = new Hono()
    app.use(middleware('rate_limit', options, { ...toolsOf({}), peer: () => peer }))
    app.get('/', (context) => context.text('ok'))
    const statuses: number[] = []
    for (const address of [
      '2001:db8:0:1::1',
      '2001:DB8::1:ffff:0:0:1',
      '2001:db8:0:2::1',
      '::ffff:192.0.2.1',
      '192.0.2.1',
      '192.0.2.2',
    ]) {
      peer = address
      statuses.push((await app.request('/')).status)
    }
    expect(statuses).toEqual([200, 429, 200, 200, 429, 200])
  })

  it('counts by a header, and by the address if it is missing', async () => {
    const app = limited({ header: 'x-api-key' }, { peer: '192.0.2.1' })
    const ask = async (key?: string) =>
      (await app.request('/text', { headers: key === undefined ? {} : { 'x-api-key': key } })).status
    expect([
      await ask('a'),
      await ask('a'),
      await ask('a'),
      await ask('b'),
      await ask(),
      await ask(),
      await ask(),
    ]).toEqual([200, 200, 429, 200, 200, 200, 429])
  })

  it('forgets the oldest clients beyond its bound', async () => {
    const app = limited({ header: 'x-api-key' }, { peer: '192.0.2.1' }, 2)
    const ask = async (key: string) => (await app.request('/text', { headers: { 'x-api-key': key } })).status
    for (const key of ['a', 'a']) await ask(key)
    expect(await ask('a')).toBe(429)
    await ask('b')
    await ask('c')
    expect(await ask('a')).toBe(200)
  })
})

describe('real_ip', () => {
  const seen = async (
    peer: string | undefined,
    headers: Record<string, string>,
    trusted: readonly string[] = ['10.0.0.0/8', '2001:db8::/32'],
  ) => {
    const app = router(['real_ip'], { realIp: { trusted: [...trusted] } }, peer === undefined ? {} : { peer })
    const response = await app.request('/headers', { headers })
    return z.looseObject({ 'x-real-ip': z.string().optional() }).parse(await response.json())['x-real-ip']
  }

  it.each([
    ['headers of an untrusted client are ignored', '192.0.2.9', '203.0.113.5', '192.0.2.9'],
    ['a proxy is believed', '10.1.2.3', '203.0.113.5', '203.0.113.5'],
    ['proxies are passed over from the end', '10.1.2.3', '203.0.113.5, 10.9.9.9', '203.0.113.5'],
    ['entries before an untrusted address are ignored', '10.1.2.3', '1.1.1.1, 203.0.113.5', '203.0.113.5'],
    ['mapped addresses count as IPv4', '::ffff:10.1.2.3', '::ffff:203.0.113.5', '203.0.113.5'],
    ['IPv6, with a port', '2001:db8::1', '[2001:4860::8]:1234', '2001:4860::8'],
    ['IPv4 with a port', '10.1.2.3', '203.0.113.5:80', '203.0.113.5'],
    ['invalid addresses are ignored', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['only proxies', '10.1.2.3', '10.4.4.4', '10.4.4.4'],
  ])('%s', async (_, peer, forwarded, expected) => {
    expect(await seen(peer, { 'x-forwarded-for': forwarded, 'x-real-ip': '6.6.6.6' })).toBe(expected)
  })

  it('removes forwarded headers if no address is known', async () => {
    expect(await seen(undefined, { 'x-real-ip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6' })).toBeUndefined()
  })
})

describe('request_id', () => {
  it('gives each request an id, for handler and client', async () => {
    const response = await router(['request_id']).request('/headers')
    const id = response.headers.get('x-request-id')
    expect(id).toMatch(/^[\da-f-]{36}$/)
    expect(await response.json()).toMatchObject({ 'x-request-id': id })
  })

  it('keeps a valid id of the client, and replaces an invalid one', async () => {
    const ask = async (id: string) =>
      (await router(['request_id']).request('/headers', { headers: { 'x-request-id': id } })).headers.get(
        'x-request-id',
      )
    expect(await ask('mine-1')).toBe('mine-1')
    expect(await ask('two words')).not.toBe('two words')
    expect(await ask('x'.repeat(300))).toHaveLength(36)
  })
})

describe('body_limit', () => {
  const app = router(['body_limit'], { bodyLimit: { max: 1000 } })

  it('refuses a request whose length is too large', async () => {
    const post = async (size: number) =>
      app.request('/body', { method: 'POST', body: new Uint8Array(size), headers: { 'content-length': `${size}` } })
    expect([(await post(1000)).status, (await post(1001)).status]).toEqual([200, 413])
  })

  it('ends a body of unknown length that is too long', async () => {
    const post = async (count: number) =>
      app.request('/body', { method: 'POST', body: chunks(count, 100), duplex: 'half' })
    const fits = await post(10)
    expect([fits.status, await fits.text()]).toEqual([200, '1000'])
    expect((await post(11)).status).toBe(413)
    expect((await post(Infinity)).status).toBe(413)
  })
})

describe('the order', () => {
  it('is that of the list: the first is outermost', async () => {
    const limits = { rateLimit: { limit: 1, window: '1h' } }
    const outside = router(['request_id', 'rate_limit'], limits)
    const inside = router(['rate_limit', 'request_id'], limits)
    for (const app of [outside, inside]) await app.request('/text')
    expect((await outside.request('/text')).headers.has('x-request-id')).toBe(true)
    expect((await inside.request('/text')).headers.has('x-request-id')).toBe(false)
  })

  it('counts the address of real_ip only behind it', async () => {
    const options = { rateLimit: { limit: 1, window: '1h' }, realIp: { trusted: ['10.0.0.1'] } }
    const statuses = async (names: readonly MiddlewareName[]) => {
      const app = router(names, options, { peer: '10.0.0.1' })
      const ask = async (client: string) =>
        (await app.request('/text', { headers: { 'x-forwarded-for': client } })).status
      return [await ask('203.0.113.1'), await ask('203.0.113.2')]
    }
    expect(await statuses(['real_ip', 'rate_limit'])).toEqual([200, 200])
    expect(await statuses(['rate_limit', 'real_ip'])).toEqual([200, 429])
  })
})

describe('options', () => {
  it('have defaults', () => {
    const options = middlewareOptions().parse({})
    expect(options.rateLimit).toEqual({ limit: 100, window: 60_000, key: 'ip', maxKeys: 100_000 })
    expect(
      middlewareNames
        .filter((name) => !['real_ip', 'token_auth'].includes(name))
        .map((name) => middleware(name, options, toolsOf({}))),
    ).toHaveLength(6)
  })

  it.each([
    [{ cors: { origins: ['example.com'] } }, 'cors.origins.0'],
    [{ cors: { origins: ['*'], credentials: true } }, 'cors.origins'],
    [{ compression: { encoding: 'lzma' } }, 'compression.encoding'],
    [{ rateLimit: { window: '0s' } }, 'rateLimit.window'],
    [{ rateLimit: { key: 'cookie' } }, 'rateLimit.key'],
    [{ realIp: { trusted: ['10.0.0.0/33'] } }, 'realIp.trusted.0'],
    [{ realIp: { trusted: [] } }, 'realIp.trusted'],
    [{ requestId: { header: 'two words' } }, 'requestId.header'],
    [{ bodyLimit: { max: -1 } }, 'bodyLimit.max'],
    [{ tokenAuth: {} }, 'tokenAuth.store'],
    [{ endpointFirewall: { action: '' } }, 'endpointFirewall.action'],
  ])('that are wrong are reported by their path: %j', (given, path) => {
    expect(
      middlewareOptions()
        .safeParse(given)
        .error?.issues.map((issue) => issue.path.join('.')),
    ).toEqual([path])
  })

  it('are checked for required ones', () => {
    const options = middlewareOptions().parse({})
    expect(
      middlewareProblems(['real_ip', 'token_auth', 'cors', 'cors'], options).map(({ path }) => path.join('.')),
    ).toEqual(['options', 'options', 'middleware.3'])
    const withStore = middlewareOptions().parse({ tokenAuth: { store: entryId('app:tokens') } })
    expect(middlewareProblems(['endpoint_firewall', 'token_auth'], withStore)).toEqual([
      {
        path: ['middleware', 0],
        message: 'endpoint_firewall has to come after token_auth, which authenticates the caller',
      },
    ])
    expect(() => middleware('real_ip', options, toolsOf({}))).toThrow('options.real_ip.trusted')
    expect(() => middleware('token_auth', options, toolsOf({}))).toThrow('options.token_auth.store')
  })
})
