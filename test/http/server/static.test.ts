import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { protocols, startWebApp, type WebApp } from './web-app.ts'

let folder: string
let web: WebApp
const text = 'words '.repeat(100)

describe.each(protocols)('over %s', (protocol) => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-static-'))
    const at = (name: string) => join(folder, name)
    await mkdir(at('public/sub'), { recursive: true })
    await Promise.all([
      writeFile(at('secret.txt'), 'the secret of this folder'),
      writeFile(at('public/index.html'), '<h1>home</h1>'),
      writeFile(at('public/sub/index.html'), '<h1>sub</h1>'),
      writeFile(at('public/words.txt'), text),
      writeFile(at('public/.hidden'), 'the secret of this folder'),
      writeFile(at('public/a b%.txt'), 'blank'),
      writeFile(at('public/empty.css'), ''),
      symlink(at('secret.txt'), at('public/link.txt')),
      symlink(at('public/words.txt'), at('public/inner.txt')),
    ])
    await utimes(at('public/words.txt'), 1_000_000, 1_000_000)
    web = await startWebApp({
      protocol,
      endpoints: { hello: { path: '/hello', func: 'hello' } },
      entries: [
        {
          id: 'app:root',
          kind: 'http.static',
          meta: { server: 'app:web' },
          path: '/',
          directory: `file://${at('public')}`,
          fallback: 'index.html',
        },
        {
          id: 'app:files',
          kind: 'http.static',
          meta: { server: 'app:web' },
          path: '/files',
          directory: `file://${at('public')}`,
          cache_control: 'max-age=60',
        },
      ],
    })
  })

  afterAll(async () => {
    await web[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  const get = async (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    web.fetch(path, { headers, method, redirect: 'manual' })

  describe('files', () => {
    it.each([
      ['/', 'text/html; charset=utf-8', '<h1>home</h1>'],
      ['/sub/', 'text/html; charset=utf-8', '<h1>sub</h1>'],
      ['/words.txt', 'text/plain; charset=utf-8', text],
      ['/inner.txt', 'text/plain; charset=utf-8', text],
      ['/files/words.txt', 'text/plain; charset=utf-8', text],
      ['/a%20b%25.txt', 'text/plain; charset=utf-8', 'blank'],
      ['/empty.css', 'text/css; charset=utf-8', ''],
      ['/hello', 'text/plain; charset=UTF-8', 'hello world'],
    ])('are served: %s', async (path, type, body) => {
      const response = await get(path)
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([200, type, body])
      expect(response.headers.get('content-length')).toBe(String(body.length))
    })

    it('of folders require a slash', async () => {
      const response = await get('/sub?x=1')
      expect([response.status, response.headers.get('location')]).toEqual([308, '/sub/?x=1'])
    })

    it('that do not exist are not found, unless a page is requested', async () => {
      expect((await get('/files/none.html', { accept: 'text/html' })).status).toBe(404)
      expect((await get('/none')).status).toBe(404)
      expect(await (await get('/some/page', { accept: 'text/html,*/*' })).text()).toBe('<h1>home</h1>')
      expect((await get('/words.txt', {}, 'POST')).status).toBe(405)
    })

    it('are not sent to clients that have them', async () => {
      const first = await get('/words.txt')
      const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? '']
      await first.arrayBuffer()
      for (const headers of [
        { 'if-none-match': etag },
        { 'if-none-match': `"x", ${etag}` },
        { 'if-modified-since': modified },
      ]) {
        const response = await get('/words.txt', headers)
        expect([response.status, await response.text()]).toEqual([304, ''])
      }
      expect((await get('/words.txt', { 'if-none-match': '"x"', 'if-modified-since': modified })).status).toBe(200)
      expect((await get('/files/words.txt')).headers.get('cache-control')).toBe('max-age=60')
    })

    it.each([
      ['bytes=0-4', 206, 'bytes 0-4/600', 'words'],
      ['bytes=595-', 206, 'bytes 595-599/600', 'ords '],
      ['bytes=-5', 206, 'bytes 595-599/600', 'ords '],
      ['bytes=590-9000', 206, 'bytes 590-599/600', text.slice(590)],
      ['bytes=600-', 416, 'bytes */600', ''],
      ['bytes=0-1,3-4', 200, null, text],
      ['lines=0-1', 200, null, text],
    ])('are sent in part: %s', async (range, status, contentRange, body) => {
      const response = await get('/words.txt', { range })
      expect([response.status, response.headers.get('content-range'), await response.text()]).toEqual([
        status,
        contentRange,
        body,
      ])
    })

    it('are described to HEAD', async () => {
      for (const headers of [{}, { range: 'bytes=2-4' }, { range: 'bytes=5000-' }]) {
        const response = await get('/words.txt', headers, 'HEAD')
        expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
          200,
          '600',
          '',
        ])
        expect(response.headers.get('content-range')).toBeNull()
      }
    })

    it.each([
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/files/../../secret.txt',
      '/files/%2e%2e/%2e%2e/secret.txt',
      '/files/..%2f..%2fsecret.txt',
      '/files/....//secret.txt',
      '/files/..\\secret.txt',
      '/files/..%5csecret.txt',
      '/files/%252e%252e/secret.txt',
      '/files//etc/passwd',
      '/files/%2fetc/passwd',
      '/link.txt',
      '/.hidden',
      '/files/.hidden',
      '/words.txt%00.html',
      '/words.txt/',
      '/%ff',
      '//secret.txt',
    ])('beyond their folder do not exist: %s', async (path) => {
      const answer = protocol === 'HTTP/2' ? await askHttp2(path) : await askHttp1(path)
      expect(answer).toMatch(/^40[04] /)
      expect(answer).not.toMatch(/the secret|root:/)
    })
  })
})

/** Sends the path unchanged: clients would normalise it. */
async function askHttp1(path: string): Promise<string> {
  const socket = connect(web.port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (chunk: string) => {
    answer += chunk
  })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  return answer.replace('HTTP/1.1 ', '')
}

async function askHttp2(path: string): Promise<string> {
  const session = connectHttp2(web.url, { ca: web.ca ?? '' })
  const stream = session.request({ ':path': path }).setEncoding('latin1')
  let answer = ''
  stream.on('response', (headers) => {
    answer = `${headers[':status'] ?? ''} `
  })
  stream.on('data', (chunk: string) => {
    answer += chunk
  })
  await once(stream, 'close')
  session.close()
  return answer
}
