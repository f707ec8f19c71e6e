/**
 * Arbitrary request heads to a service: each gets a response or is rejected, in time, and other clients are still
 * served.
 */
import { connect } from 'node:net'
import fc from 'fast-check'
import { z } from 'zod'
import { startWebApp, type WebApp } from '../http/server/web-app.ts'
import { jsonTarget } from './lib/inputs.ts'

const names = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Upgrade',
  'Expect',
  'Cookie',
  'Authorization',
  'Range',
  'TE',
  'Trailer',
]
const more = [
  'If-None-Match',
  'traceparent',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'Forwarded',
  'Accept',
  'Sec-WebSocket-Key',
  'x-request-id',
]
const values = [
  'localhost',
  'evil.example',
  '[::1',
  '5',
  '-1',
  '18446744073709551617',
  'chunked',
  'chunked, gzip',
  'close',
  'Upgrade',
  'websocket',
]
const odd = [
  'h2c',
  '100-continue',
  'bytes=0-',
  'a=b; c=%zz',
  '%%',
  'Bearer a.b.c',
  'for="',
  '00-zz',
  '*',
  'trailers',
  '"',
  ',',
  ';=;',
]
const word = fc.oneof(
  fc.constantFrom(...values, ...odd),
  fc.string({ maxLength: 30 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)
const field = fc
  .tuple(fc.oneof(fc.constantFrom(...names, ...more), word), word)
  .map(([name, value]) => `${name}: ${value}\r\n`)
const method = fc.oneof(fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'), word)
const place = fc.oneof(
  fc.constantFrom(
    '/hello',
    '/echo',
    '/files/a',
    '/socket',
    '*',
    'http://localhost/echo',
    'http://[/',
    '//',
    '/%',
    '/..;/',
    '/hello?t=%ff',
    '',
  ),
  fc.webPath(),
  word,
)
const body = fc.oneof(fc.constant(''), fc.constantFrom('5\r\nhello\r\n0\r\n\r\n', 'hello', 'zz\r\n', '{"a'), word)

/** The bytes that a client may write. */
export const heads: fc.Arbitrary<Buffer> = fc
  .tuple(
    method,
    place,
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP'),
    fc.boolean(),
    fc.array(field, { maxLength: 6 }),
    body,
  )
  .map(([verb, target, version, isNamed, fields, rest]) => {
    const host = isNamed ? 'Host: localhost\r\n' : ''
    return Buffer.from(`${verb} ${target} ${version}\r\n${host}${fields.join('')}\r\n${rest}`, 'latin1')
  })

/** A service with every kind of route. */
export async function startTarget(): Promise<WebApp> {
  return startWebApp({
    pool: { min: 1, max: 1 },
    service: { timeouts: { headers: '1s', read: '1s', write: '10s' } },
    endpoints: {
      hello: { path: '/hello', func: 'hello' },
      echo: { method: '*', path: '/echo', func: 'echo' },
    },
    entries: [
      {
        id: 'app:files',
        kind: 'http.static',
        meta: { server: 'app:web' },
        path: '/files',
        directory: 'file://fixtures',
      },
      { id: 'app:host', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
      { id: 'app:quiet', kind: 'process.ts', source: 'file://fixtures/handlers.ts', method: 'hello' },
      {
        id: 'app:socket',
        kind: 'http.websocket',
        meta: { router: 'app:router' },
        path: '/socket',
        process: 'app:quiet',
        host: 'app:host',
      },
    ],
  })
}

/** @throws Error when a client receives something that is not HTTP, or the service stops working. */
export async function survives(web: WebApp, bytes: Buffer): Promise<void> {
  const answer = await exchange(web.port, bytes)
  if (answer !== '' && !/^HTTP\/1\.1 [1-5]\d\d /.test(answer))
    throw new Error(`it answered ${JSON.stringify(answer.slice(0, 80))}`)
  const response = await web.fetch('/hello')
  const text = await response.text()
  if (response.status !== 200 || text !== 'hello world')
    throw new Error(`then others were answered ${response.status} ${text}`)
  const { state, attempts } = web.app.service('app:web')
  if (state !== 'Running' || attempts > 0) throw new Error(`the service is ${state}, after ${attempts} attempts`)
}

/** The client ends when it has written, so that the server waits for nothing. */
async function exchange(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket
    .on('error', () => undefined)
    .on('data', (text: string) => {
      answer += text
    })
  socket.end(bytes)
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
  return answer
}

let started: Promise<WebApp> | undefined

const target = jsonTarget({
  input: heads.map((bytes) => bytes.toString('latin1')),
  read: (saved) => z.string().parse(saved),
  check: async (text) => {
    // The process ends with the run.
    started ??= startTarget()
    await survives(await started, Buffer.from(text, 'latin1'))
  },
})

export default target.fuzz
export const { replay } = target
