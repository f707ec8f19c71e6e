import { type EntryId, entryId } from '@troupe/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from './testing/application.ts'
import { type Handler, type Origin, type Proxy, startOrigin, startProxy } from './testing/servers.ts'
import { closeHttpPools, http } from './index.ts'

const overlay: EntryId = entryId('app:a')
const exit = '127.0.0.2'

let first: Origin
let second: Origin
let proxy: Proxy
const at = (origin: Origin, path: string) => `http://service.test:${origin.port}${path}`
const inside = <T>(fn: () => T) => inFrame({ overlay }, fn)

/** `/303?to=URL` redirects; `/loop` redirects to itself. */
const handler: Handler = (request, response, body) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin')
  const status = Number(pathname.slice(1))
  const to = pathname === '/loop' ? '/loop' : searchParams.get('to')
  if (to !== null) response.writeHead(pathname === '/loop' ? 302 : status, { location: to })
  response.end(to === null ? body : 'see there')
}

beforeAll(async () => {
  first = await startOrigin(handler)
  second = await startOrigin(handler)
  proxy = await startProxy(exit)
})
beforeEach(() => {
  startApplication({ [overlay]: proxy.port })
  first.seen.length = 0
  second.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  for (const each of [first, second, proxy]) await each[Symbol.asyncDispose]()
})

describe('redirects', () => {
  it('are followed through the same overlay, on a kept connection', async () => {
    const response = await inside(() => http.get(at(first, '/302?to=/there%23part')))
    expect(response).toMatchObject({ status: 200, redirected: true, url: at(first, '/there') })
    expect(first.seen.map(({ url, peer }) => [url, peer])).toEqual([
      ['/302?to=/there%23part', exit],
      ['/there', exit],
    ])
    expect(new Set(first.seen.map(({ port }) => port)).size).toBe(1)
  })

  it('stay in an overlay that was selected for the request', async () => {
    await inFrame({ overlay: null }, () =>
      http.get(at(first, `/301?to=${at(second, '/')}`), { overlayNetwork: overlay }),
    )
    expect(second.seen[0]?.peer).toBe(exit)
  })

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [301, 'PUT', 'PUT', 'body'],
    [307, 'POST', 'POST', 'body'],
    [308, 'POST', 'POST', 'body'],
  ])('%i changes %s to %s', async (status, method, then, body) => {
    const given = method === 'HEAD' ? {} : { body: 'body' }
    await inside(() => http.request(method, at(first, `/${status}?to=/there`), given))
    expect(first.seen[1]).toMatchObject({ method: then, body })
    expect(first.seen[1]?.headers['content-type']).toBe(body === '' ? undefined : 'text/plain;charset=UTF-8')
  })

  it('send no secrets to another origin', async () => {
    const headers = { authorization: 'Bearer x', cookie: 'a=1', 'proxy-authorization': 'y', 'x-kept': '1' }
    await inside(() => http.get(at(first, '/302?to=/there'), { headers }))
    expect(first.seen[1]?.headers).toMatchObject(headers)
    await inside(() => http.get(at(first, `/302?to=${at(second, '/')}`), { headers }))
    expect(second.seen[0]?.headers).toMatchObject({ 'x-kept': '1', host: `service.test:${second.port}` })
    for (const name of ['authorization', 'cookie', 'proxy-authorization'])
      expect(second.seen[0]?.headers).not.toHaveProperty(name)
  })

  it('do not send a stream twice', async () => {
    const body = ReadableStream.from(['once'])
    await expect(inside(() => http.post(at(first, '/307?to=/there'), { body }))).rejects.toMatchObject({
      kind: 'Invalid',
    })
    expect(first.seen.length).toBe(1)
  })

  it('stop after twenty', async () => {
    await expect(inside(() => http.get(at(first, '/loop')))).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: false,
    })
    expect(first.seen.length).toBe(21)
  })

  it.each(['file:///etc/passwd', 'http://', 'javascript:1'])('to %s are refused', async (to) => {
    const sent = inside(() => http.get(at(first, `/302?to=${encodeURIComponent(to)}`)))
    await expect(sent).rejects.toMatchObject({ kind: 'Unavailable', retryable: false })
  })

  it('are returned, or an error, if the caller chooses so', async () => {
    const manual = await inside(() => http.get(at(first, '/302?to=/there'), { redirect: 'manual' }))
    expect([manual.status, manual.headers.get('location'), manual.redirected, await manual.text()]).toEqual([
      302,
      '/there',
      false,
      'see there',
    ])
    await expect(inside(() => http.get(at(first, '/302?to=/there'), { redirect: 'error' }))).rejects.toMatchObject({
      kind: 'Invalid',
    })
    const plain = await inside(() => http.get(at(first, '/'), { redirect: 'error' }))
    expect(plain.status).toBe(200)
  })
})
