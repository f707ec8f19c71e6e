import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../../testing/application.ts'
import { type Origin, startOrigin } from '../../testing/servers.ts'
import { closeHttpPools, cookieJar, http } from '../../index.ts'

let first: Origin
let second: Origin
const at = (origin: Origin, path = '/') => `http://127.0.0.1:${origin.port}${path}`
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)

/** `?to=URL` redirects, `?set=COOKIE` sets one. */
const redirecting: Parameters<typeof startOrigin>[0] = (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://origin')
  const set = searchParams.getAll('set')
  const to = searchParams.get('to')
  if (set.length > 0) response.setHeader('set-cookie', set)
  if (to !== null) response.writeHead(302, { location: to })
  response.end()
}

beforeAll(async () => {
  first = await startOrigin(redirecting)
  second = await startOrigin(redirecting)
})
beforeEach(() => {
  startApplication()
  first.seen.length = 0
  second.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  for (const each of [first, second]) await each[Symbol.asyncDispose]()
})

describe('auth', () => {
  it('is Basic or Bearer, and replaces credentials in the URL', async () => {
    await clear(async () => {
      await http.get(at(first), { auth: { username: 'ä', password: 'p:w' } })
      await http.get(at(first), { auth: { bearer: 'abc.def~' } })
      await http.get(at(first).replace('//', '//user:pass@'), { auth: { bearer: 'abc' } })
    })
    expect(first.seen.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('ä:p:w').toString('base64')}`,
      'Bearer abc.def~',
      'Bearer abc',
    ])
  })

  it('stays with the first origin', async () => {
    await clear(() => http.get(at(first, '/?to=/there'), { auth: { bearer: 'abc' }, cookies: { a: '1' } }))
    await clear(() => http.get(at(first, `/?to=${at(second)}`), { auth: { bearer: 'abc' }, cookies: { a: '1' } }))
    expect(first.seen.map(({ headers }) => [headers.authorization, headers.cookie])).toEqual(
      [1, 2, 3].map(() => ['Bearer abc', 'a=1']),
    )
    expect(second.seen[0]?.headers).not.toHaveProperty('authorization')
    expect(second.seen[0]?.headers).not.toHaveProperty('cookie')
  })

  it.each([
    ['options.auth', { auth: { bearer: 'abc' }, headers: { authorization: 'x' } }],
    ['options.auth', { auth: { user: 'x' } }],
    ['options.auth.username', { auth: { username: 'a:b', password: '' } }],
    ['options.auth.bearer', { auth: { bearer: 'se\ncret' } }],
    ['options.cookies.a;b', { cookies: { 'a;b': 'x' } }],
    ['options.cookies.a', { cookies: { a: 'x; b=se\u00e4cret' } }],
    ['options.cookies', { cookies: 3 }],
  ])('%s is refused, and the error does not repeat it', async (path, options) => {
    const error: unknown = await clear(
      () => Reflect.apply(http.get, http, [at(first), options]) as Promise<Response>,
    ).catch((error: unknown) => error)
    expect(error).toMatchObject({ kind: 'Invalid', details: { path } })
    expect(String(error)).not.toContain('cret')
  })
})

describe('cookies', () => {
  it('are sent by name, together with those of headers', async () => {
    await clear(() => http.get(at(first), { cookies: { a: '1', b: 'x=y' }, headers: { cookie: 'c=3' } }))
    expect(first.seen[0]?.headers.cookie).toBe('c=3; a=1; b=x=y')
  })

  it('of a jar are sent and stored for each hop, each where it belongs', async () => {
    const cookies = await cookieJar()
    await clear(async () => {
      await http.get(at(first, '/?set=a%3D1&set=deep%3D2;%20Path%3D/deep&to=/deep'), { cookies })
      // Another port is the same host for cookies (RFC 6265 §8.5), another host is not.
      await http.get(at(second), { cookies })
      await http.get(at(first).replace('127.0.0.1', 'localhost'), { cookies })
      // A loopback address counts as safe.
      await http.get(at(first, '/?set=safe%3D1;%20Secure&set=a%3D;%20Max-Age%3D0'), { cookies })
      await http.get(at(first), { cookies, headers: { cookie: 'mine=1' } })
    })
    expect(first.seen.map(({ headers }) => headers.cookie)).toEqual([
      undefined,
      'deep=2; a=1',
      undefined,
      'a=1',
      'mine=1; safe=1',
    ])
    expect(second.seen[0]?.headers.cookie).toBe('a=1')
  })

  it('with odd contents do no harm', async () => {
    const cookies = await cookieJar()
    const response = await clear(() =>
      http.get(at(first, '/?set=a%3D1;%20Domain%3Dexample.com&set=%3D;;;'), { cookies }),
    )
    expect(response.status).toBe(200)
    expect(await cookies.getCookieString(at(first))).toBe('')
  })
})
