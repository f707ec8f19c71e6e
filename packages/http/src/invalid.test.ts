import type { TroupeError } from '@troupe/core'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from './testing/application.ts'
import { http } from './index.ts'

const target = 'http://127.0.0.1:9/'
const send = (...given: unknown[]) =>
  inFrame({ overlay: null }, () => Reflect.apply(http.request, http, given) as Promise<Response>)

beforeEach(() => {
  startApplication()
})

describe('invalid requests are refused with the path', () => {
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  it.each([
    ['method', 'G ET', target, {}],
    ['method', undefined, target, {}],
    ['method', 'CONNECT', target, {}],
    ['url', 'GET', '/relative', {}],
    ['url', 'GET', 'ftp://x/', {}],
    ['url', 'GET', 'http://x:0/', {}],
    ['url', 'GET', 'http://x:99999/', {}],
    ['url', 'GET', 'http://%@x/', {}],
    ['url', 'GET', undefined, {}],
    ['options', 'GET', target, 'fast'],
    ['options', 'GET', target, { timeouts: 1 }],
    ['options', 'POST', target, { body: 'x', json: 1 }],
    ['options.timeout', 'GET', target, { timeout: 0 }],
    ['options.timeout', 'GET', target, { timeout: '-1s' }],
    ['options.timeout', 'GET', target, { timeout: 'soon' }],
    ['options.timeout', 'GET', target, { timeout: Number.NaN }],
    ['options.maxResponseBody', 'GET', target, { maxResponseBody: -1 }],
    ['options.overlayNetwork', 'GET', target, { overlayNetwork: 'proxy' }],
    ['options.overlayNetwork', 'GET', target, { overlayNetwork: 3 }],
    ['options.redirect', 'GET', target, { redirect: 'maybe' }],
    ['options.signal', 'GET', target, { signal: {} }],
    ['options.query', 'GET', target, { query: { a: {} } }],
    ['options.headers', 'GET', target, { headers: { a: 1 } }],
    ['options.headers.a b', 'GET', target, { headers: { 'a b': '1' } }],
    ['options.headers.a', 'GET', target, { headers: { a: 'x\r\ny: z' } }],
    ['options.headers.Transfer-Encoding', 'GET', target, { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['options.body', 'POST', target, { body: { a: 1 } }],
    ['options.json', 'POST', target, { json: loop }],
    ['options.json', 'POST', target, { json: () => {} }],
    ['options', 'POST', target, { json: 1, files: [] }],
    ['options.files.0', 'POST', target, { files: [{ name: 'a' }] }],
    ['options.files.0', 'POST', target, { files: [{ name: 'a', path: 'x', content: 'y' }] }],
    ['options.files.0.type', 'POST', target, { files: [{ name: 'a', content: 'y', type: 'a\r\nb: c' }] }],
    ['options.files.0.content', 'POST', target, { files: [{ name: 'a', content: 3 }] }],
    ['options.files.0.length', 'POST', target, { files: [{ name: 'a', content: 'y', length: -1 }] }],
    ['options.cookies', 'GET', target, { cookies: { getCookieString: 'x', setCookie: 3 } }],
    ['options.retry.limit', 'GET', target, { retry: -1 }],
    ['options.retry', 'GET', target, { retry: { tries: 3 } }],
    ['options.retry.minDelay', 'GET', target, { retry: { minDelay: 'soon' } }],
    ['options.retry.statuses.0', 'GET', target, { retry: { statuses: [200] } }],
    ['options.unixSocket', 'GET', target, { unixSocket: '' }],
    ['options.unixSocket', 'GET', target, { unixSocket: '/x', overlayNetwork: 'app:proxy' }],
    ['options.stream', 'GET', target, { stream: 'yes' }],
    ['options.onUpload', 'GET', target, { onUpload: true }],
    ['options.tls', 'GET', target, { tls: { cert: 'x' } }],
    ['options.tls', 'GET', target, { tls: { verify: false } }],
    ['options.tls.ca', 'GET', target, { tls: { ca: 3 } }],
  ])('%s', async (path, ...given) => {
    await expect(send(...given)).rejects.toMatchObject({ kind: 'Invalid', details: { path } })
  })

  it('reports all problems at once', async () => {
    await expect(send('GET', target, { timeout: 0, redirect: 1 })).rejects.toThrow(
      /options\.timeout: .*; options\.redirect: /,
    )
  })

  it('never repeats a header value or a URL with credentials', async () => {
    const headers = await send('GET', target, { headers: { authorization: 'se\ncret' } }).catch(
      (error: unknown) => error,
    )
    const url = await send('GET', 'http://user:secret@x:99999/').catch((error: unknown) => error)
    for (const error of [headers, url] as TroupeError[])
      expect(`${error.message}${JSON.stringify(error.details)}`).not.toMatch(/se\s?cret/)
  })

  it('any options cause nothing but Invalid or a refused connection', async () => {
    const options = fc.option(
      fc.record(
        {
          timeout: fc.anything(),
          query: fc.anything(),
          headers: fc.anything(),
          form: fc.anything(),
          tls: fc.anything(),
          redirect: fc.anything(),
          files: fc.anything(),
          cookies: fc.anything(),
          auth: fc.anything(),
          retry: fc.anything(),
          stream: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.anything(), options, async (method, given) => {
        const error: unknown = await send(method, 'http://127.0.0.1:9/', given).catch((error: unknown) => error)
        expect(['Invalid', 'Unavailable', 'Timeout']).toContain((error as TroupeError).kind)
      }),
      { numRuns: 200 },
    )
  })
})
