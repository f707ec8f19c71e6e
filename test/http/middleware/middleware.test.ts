/** Middleware of a running service, with handlers in its thread and in others. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { registry, security } from 'troupe'
import type { WrittenEntry } from 'troupe/test'
import { afterEach, describe, expect, it } from 'vitest'
import { type Protocol, protocols, startWebApp, type WebApp } from '../server/web-app.ts'

const run = promisify(execFile)
const handlers = ['reported', 'size', 'back', 'page', 'slowly', 'fail']

let web: WebApp | undefined

afterEach(async () => {
  await web?.[Symbol.asyncDispose]()
  web = undefined
})

const router = (fields: Readonly<Record<string, unknown>>): WrittenEntry => ({
  id: 'app:router',
  kind: 'http.router',
  meta: { server: 'app:web' },
  ...fields,
})

async function serve(
  protocol: Protocol,
  fields: Readonly<Record<string, unknown>>,
  pool: unknown = 'inline',
): Promise<WebApp> {
  web = await startWebApp({
    protocol,
    root: import.meta.dirname,
    router: fields,
    pool,
    endpoints: Object.fromEntries(handlers.map((name) => [name, { method: '*', path: `/${name}`, func: name }])),
    entries: [
      { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
      { id: 'app:reads', kind: 'security.policy', actions: 'read', resources: '*', effect: 'allow' },
      {
        id: 'app:asks',
        kind: 'security.policy',
        actions: 'http.endpoint.access',
        resources: 'app:reported-endpoint',
        effect: 'allow',
      },
      { id: 'app:calls', kind: 'security.policy', actions: 'funcs.call', resources: '*', effect: 'allow' },
    ],
  })
  return web
}

const bearer = async (...policies: string[]) => {
  const { token } = await security.tokenStore('app:tokens').create({
    actor: security.newActor('ann'),
    scope: security.newScope(policies),
  })
  return { authorization: `Bearer ${token}` }
}

const ways = protocols.flatMap((protocol) => [[protocol, 'inline'] as const, [protocol, { min: 1, max: 2 }] as const])

describe.each(ways)('over %s, with handlers whose pool is %j', (protocol, pool) => {
  it('ids and addresses reach the handler, and the id the client', async () => {
    const server = await serve(
      protocol,
      { middleware: ['request_id', 'real_ip'], options: { real_ip: { trusted: ['127.0.0.0/8'] } } },
      pool,
    )
    const headers = { 'x-request-id': 'mine-1', 'x-forwarded-for': '6.6.6.6, 203.0.113.5' }
    const response = await server.fetch('/reported', { headers })
    expect(response.headers.get('x-request-id')).toBe('mine-1')
    expect(await response.json()).toMatchObject({ 'x-request-id': 'mine-1', 'x-real-ip': '203.0.113.5', actor: null })
  })

  it('the handler acts for the actor of the token', async () => {
    const server = await serve(
      protocol,
      { middleware: ['token_auth'], options: { token_auth: { store: 'app:tokens' } } },
      pool,
    )
    const headers = await bearer('app:reads', 'app:calls')
    expect((await server.fetch('/reported')).status).toBe(401)
    expect(await (await server.fetch('/reported', { headers })).json()).toMatchObject({
      actor: 'ann',
      scope: ['app:reads', 'app:calls'],
      reads: true,
    })
    const others = await bearer('app:calls')
    expect(await (await server.fetch('/reported', { headers: others })).json()).toMatchObject({
      actor: 'ann',
      reads: false,
    })
  })

  it('a firewall checks each endpoint', async () => {
    const options = { token_auth: { store: 'app:tokens' } }
    const server = await serve(protocol, { middleware: ['token_auth', 'endpoint_firewall'], options }, pool)
    const headers = await bearer('app:asks', 'app:calls')
    const status = async (path: string) => (await server.fetch(path, { headers })).status
    expect([await status('/reported'), await status('/page'), await status('/nowhere')]).toEqual([200, 403, 404])
  })

  it('bodies that are too long are refused, announced or not', async () => {
    const server = await serve(
      protocol,
      { middleware: ['body_limit'], options: { body_limit: { max: 100_000 } } },
      pool,
    )
    const post = async (size: number, ...args: string[]) => {
      const data = [
        '--data-binary',
        '@-',
        '--header',
        'content-type: application/octet-stream',
        ...args,
        `${server.url}/size`,
      ]
      const child = run('curl', [
        '--silent',
        '--insecure',
        '--output',
        '-',
        '--write-out',
        ' %{http_code}',
        '--header',
        'expect:',
        ...data,
      ])
      child.child.stdin?.on('error', () => undefined).end(Buffer.alloc(size))
      return (await child.catch((error: unknown) => error as { stdout: string })).stdout
    }
    const chunked = ['--header', 'transfer-encoding: chunked']
    expect([await post(100_000), await post(100_000, ...chunked)]).toEqual(['100000 200', '100000 200'])
    expect(await post(100_001)).toMatch(/ 413$/)
    expect(await post(1_000_000, ...chunked)).toMatch(/ 413$/)
  })

  it('other origins may send requests, and responses are compressed', async () => {
    const server = await serve(
      protocol,
      { middleware: ['cors', 'compression'], options: { cors: { origins: ['https://a.test'] } } },
      pool,
    )
    const origin = 'https://a.test'
    const preflight = await server.fetch('/page', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin])
    const { stdout } = await run('curl', [
      '--silent',
      '--insecure',
      '--compressed',
      '--include',
      '--header',
      `origin: ${origin}`,
      `${server.url}/page`,
    ])
    expect(stdout).toMatch(/content-encoding: gzip/i)
    expect(stdout).toMatch(/access-control-allow-origin: https:\/\/a\.test/i)
    expect(stdout).toContain('words '.repeat(10_000))
  })
})

describe.each(ways)('over %s, a handler that streams its response, pool %j', (protocol, pool) => {
  it('acts for the actor of the token to the end', async () => {
    const server = await serve(
      protocol,
      { middleware: ['token_auth'], options: { token_auth: { store: 'app:tokens' } } },
      pool,
    )
    const say = async (...policies: string[]) =>
      (await server.fetch('/slowly', { headers: await bearer('app:calls', ...policies) })).text()
    expect([await say('app:reads'), await say()]).toEqual(['ann true, '.repeat(3), 'ann false, '.repeat(3)])
  })
})

describe.each(protocols)('an error, over %s', (protocol) => {
  it('of a handler, or of inner middleware, passes through the outer middleware', async () => {
    const options = {
      token_auth: { store: 'app:tokens', required: false },
      body_limit: { max: 1 },
      cors: { origins: ['https://a.test'] },
    }
    const server = await serve(protocol, { middleware: ['request_id', 'cors', 'token_auth', 'body_limit'], options })
    const ask = async (
      path: string,
      headers: Readonly<Record<string, string>>,
      init: Parameters<WebApp['fetch']>[1] = {},
    ) => {
      const response = await server.fetch(path, { ...init, headers: { origin: 'https://a.test', ...headers } })
      return [
        response.status,
        response.headers.get('x-request-id')?.length,
        response.headers.get('access-control-allow-origin'),
      ]
    }
    expect(await ask('/fail', {})).toEqual([500, 36, 'https://a.test'])
    expect(await ask('/reported', { authorization: 'Bearer nonsense' })).toEqual([401, 36, 'https://a.test'])
    expect(await ask('/size', {}, { method: 'POST', body: 'too long' })).toEqual([413, 36, 'https://a.test'])
  })
})

describe.each(protocols)('rate_limit, over %s', (protocol) => {
  it('keeps counts when other routes change, and resets them when its options change', async () => {
    const limited = (limit: number) => ({
      middleware: ['rate_limit'],
      options: { rate_limit: { limit, window: '1h' } },
    })
    const server = await serve(protocol, limited(2))
    const ask = async () => server.fetch('/page')
    const statuses = [(await ask()).status, (await ask()).status, (await ask()).status]
    expect(statuses).toEqual([200, 200, 429])
    expect((await ask()).headers.get('retry-after')).toMatch(/^3[56]\d\d$/)
    await registry.apply([{ op: 'delete', entry: { id: 'app:size-endpoint' } }])
    expect((await ask()).status).toBe(429)
    await registry.apply([{ op: 'update', entry: router(limited(1)) }])
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 429])
  })
})
