import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWebApp, type WebApp } from './web-app.ts'

let web: WebApp

beforeAll(async () => {
  web = await startWebApp({
    service: { timeouts: { headers: '1s', read: '2s' }, limits: { headers: 4096, body: 1000 } },
    endpoints: {
      hello: { path: '/hello', func: 'hello' },
      size: { method: 'POST', path: '/size', func: 'size' },
      ignore: { method: 'POST', path: '/ignore', func: 'hello' },
      deaf: { method: 'POST', path: '/deaf', func: 'patient' },
    },
    entries: [
      { id: 'app:host', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
      { id: 'app:talk', kind: 'process.ts', source: 'file://fixtures/handlers.ts', method: 'hello' },
      {
        id: 'app:socket',
        kind: 'http.websocket',
        meta: { router: 'app:router' },
        path: '/socket',
        process: 'app:talk',
        host: 'app:host',
      },
    ],
  })
})

afterAll(async () => {
  await web[Symbol.asyncDispose]()
})

/** Everything that the server sends until it closes, which it must do. */
async function exchange(bytes: string, then?: (socket: Socket) => void): Promise<string> {
  const socket = connect(web.port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  then?.(socket)
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
  return answer
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'closed'
const post = (path: string, ...headers: readonly string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
const body5 = 'hello'

/** Bytes of a body that is far too long. */
const flood = 1_000_000_000

describe('bad input', () => {
  it.each([
    ['no Host', 'GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n', '400'],
    ['a Host that can be none', 'GET /hello HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', '400'],
    ['a target that is no path', 'GET hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', '400'],
    ['a length and chunks', post('/size', 'Content-Length: 5', 'Transfer-Encoding: chunked') + body5, '400'],
    ['two lengths', post('/size', 'Content-Length: 5', 'Content-Length: 6') + body5, '400'],
    ['a length that is no number', post('/size', 'Content-Length: +5') + body5, '400'],
    ['chunks that are not the last encoding', post('/size', 'Transfer-Encoding: chunked, gzip') + body5, '400'],
    ['a blank before the colon', post('/size', 'Transfer-Encoding : chunked') + body5, '400'],
    ['a folded header', 'GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\nConnection: close\r\n\r\n', '400'],
    ['a bare line feed in a header', 'GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: b\nX-B: c\r\n\r\n', '400'],
    ['a header with a null byte', 'GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: b\0\r\n\r\n', '400'],
    ['a chunk with an invalid size', `${post('/size', 'Transfer-Encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n`, '400'],
    [
      'a chunk that is longer than announced',
      `${post('/size', 'Transfer-Encoding: chunked')}3\r\nhello\r\n0\r\n\r\n`,
      '400',
    ],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', '400'],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n', 'closed'],
    ['a head that is too large', `GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(5000)}\r\n\r\n`, '431'],
    ['a body that is too large', post('/size', 'Content-Length: 1001', 'Connection: close'), '413'],
    [
      'a body that is too large for a handler that ignores it',
      post('/ignore', 'Content-Length: 1001', 'Connection: close'),
      '413',
    ],
    [
      'chunks that are too many',
      `${post('/size', 'Transfer-Encoding: chunked')}3e9\r\n${'a'.repeat(1001)}\r\n0\r\n\r\n`,
      '413',
    ],
    [
      'too many chunks for a handler that does not read',
      `${post('/deaf', 'Transfer-Encoding: chunked')}3e9\r\n${'a'.repeat(1001)}\r\n`,
      '413',
    ],
    ['a head that does not come', 'GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: ', '408'],
    ['a body that does not come', post('/size', 'Content-Length: 10') + body5, '408'],
    ['an upgrade of an unknown path', upgrade('/nowhere'), '404'],
    ['an upgrade to what is no WebSocket', upgrade('/hello'), '200'],
    ['an upgrade without a key', upgrade('/socket').replace(/Sec-WebSocket-Key: .*\r\n/, ''), '400'],
    ['an upgrade of another version', upgrade('/socket').replace('Version: 13', 'Version: 12'), '400'],
    ['an upgrade of a page from elsewhere', upgrade('/socket', 'Origin: https://elsewhere.test'), '403'],
  ])('%s: %s', async (_, bytes, status) => {
    expect(statusOf(await exchange(bytes))).toBe(status)
  })

  it('no upgrade: other protocols are ignored, and a WebSocket requires one', async () => {
    expect(
      statusOf(
        await exchange('GET /hello HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n'),
      ),
    ).toBe('200')
    expect((await fetch(`${web.url}/socket`)).status).toBe(426)
  })

  it.each([
    ['whose body does not arrive', post('/size', 'Content-Length: 10') + body5, '', ['408']],
    [
      'that was answered before its body, which does not come',
      post('/ignore', 'Content-Length: 10') + body5,
      '',
      ['200'],
    ],
    [
      'that was answered before its body, which is garbled',
      `${post('/ignore', 'Transfer-Encoding: chunked')}1\r\na\r\n`,
      'zz\r\n',
      ['200'],
    ],
    ['followed by garbage', post('/ignore', 'Content-Length: 5') + body5, 'no HTTP\r\n\r\n', ['200', '400']],
    ['followed by garbage before its response', post('/deaf', 'Content-Length: 5') + body5, 'no HTTP\r\n\r\n', []],
  ])('a request has one response: one %s', async (_, bytes, then, expected) => {
    const isAnswered = expected[0] === '200'
    const answer = await exchange(bytes, (socket) => {
      if (!isAnswered) socket.write(then)
      else socket.once('data', () => socket.write(then))
    })
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(expected)
  })

  it('a request smuggled behind another is not executed', async () => {
    const smuggled = 'GET /users/admin HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const answer = await exchange(
      `${post('/size', `Content-Length: ${smuggled.length}`, 'Connection: close')}${smuggled}`,
    )
    expect(answer.match(/HTTP\/1\.1/g)).toEqual(['HTTP/1.1'])
    expect(answer.endsWith(String(smuggled.length))).toBe(true)
  })

  it('an unsolicited flood is ended early', async () => {
    let written = 0
    await exchange(post('/ignore', 'Transfer-Encoding: chunked'), (socket) => {
      const more = () => {
        while (!socket.destroyed && written < flood && socket.write(`10000\r\n${'a'.repeat(0x1_00_00)}\r\n`))
          written += 0x1_00_00
      }
      socket.on('drain', more)
      more()
    })
    // The response can be lost with the connection that breaks under the flood.
    expect(written).toBeLessThan(flood)
  })

  it('leaves the server as it was: others are served', async () => {
    expect(await (await fetch(`${web.url}/hello`)).text()).toBe('hello world')
    expect(web.app.service('app:web')).toMatchObject({ state: 'Running', attempts: 0 })
  })
})

function upgrade(path: string, ...more: readonly string[]): string {
  const headers = [
    'Host: localhost',
    'Connection: Upgrade, close',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...more,
  ]
  return `GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
}
