import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../testing/application.ts'
import { type RawOrigin, startRaw } from '../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../index.ts'

let first: RawOrigin
let second: RawOrigin
type Reply = string | Buffer | (() => string)
/** The complete bytes that the server writes next. */
let reply: Reply = ''
const head = (status: string, ...fields: readonly string[]) => [`HTTP/1.1 ${status}`, ...fields, '', ''].join('\r\n')
const ok = (body: string | Buffer, ...fields: readonly string[]) =>
  Buffer.concat([
    Buffer.from(head('200 OK', `content-length: ${Buffer.byteLength(body)}`, ...fields), 'latin1'),
    bytesOf(body),
  ])
const bytesOf = (given: string | Buffer) => (typeof given === 'string' ? Buffer.from(given) : given)

beforeAll(async () => {
  const serve = (): Promise<RawOrigin> =>
    startRaw((socket, request) => {
      const [, method = '', target = ''] = /^(\S+) (\S+)/.exec(request) ?? []
      if (target.includes('/done')) {
        socket.write(ok(method === 'HEAD' ? '' : JSON.stringify({ method, target })))
        return
      }
      const bytes = Buffer.from(typeof reply === 'function' ? reply() : reply)
      socket.write(bytes)
      // Without a length the end of the connection is the end of the body.
      if (!/content-length|transfer-encoding|HTTP\/1.1 (?:204|304)/i.test(bytes.toString('latin1'))) socket.end()
      if (bytes.includes('x-close: now')) socket.end()
    })
  first = await serve()
  second = await serve()
})
beforeEach(() => {
  startApplication()
  first.heads.length = 0
  second.heads.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

interface Call {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: RequestOptions['body'] & NonNullable<RequestInit['body']>
  /** A body that is a stream. */
  readonly streamed?: string
  readonly redirect?: 'follow' | 'manual' | 'error'
}

/** What a program sees of a response. */
async function seen(send: () => Promise<Response>) {
  try {
    const response = await send()
    const { status, statusText, ok, redirected, url } = response
    const facts = { status, statusText, ok, redirected, url, headers: [...response.headers] }
    try {
      return { ...facts, body: await response.text() }
    } catch {
      return { ...facts, body: 'failed' }
    }
  } catch {
    return 'rejected'
  }
}

/** What the servers saw of the request, without the fields by which clients describe themselves. */
function sent() {
  const own =
    /^(?:host|connection|user-agent|accept|accept-encoding|accept-language|sec-fetch-mode|cache-control|pragma):/i
  return [...first.heads, ...second.heads].map((request) => {
    const [lines = '', ...body] = request.split('\r\n\r\n')
    const [start = '', ...fields] = lines.split('\r\n')
    const kept = fields.filter((field) => !own.test(field)).map((field) => field.toLowerCase())
    return { start, fields: kept.toSorted(), body: body.join('\r\n\r\n') }
  })
}

async function both(call: Call) {
  const { path = '/', method = 'GET', streamed, ...rest } = call
  const url = path.startsWith('http') ? path : `http://127.0.0.1:${first.port}${path}`
  const results = []
  const body = () => streamed !== undefined && { body: new Blob([streamed]).stream() }
  for (const send of [
    () => inFrame({ overlay: null }, () => http.request(method, url, { ...rest, ...body() })),
    () => fetch(url, { method, duplex: 'half', ...rest, ...body() }),
  ]) {
    first.heads.length = 0
    second.heads.length = 0
    results.push({ answer: await seen(send), sent: sent() })
  }
  return { ours: results[0], theirs: results[1] }
}

type Case = readonly [name: string, reply: Reply, call?: Call]

describe('compared with fetch', () => {
  const answers: readonly Case[] = [
    ['a plain answer', ok('hello')],
    ['an empty body', ok('')],
    ['a reason phrase', head('200 Fine by me', 'content-length: 0')],
    ['no reason phrase', head('200 ', 'content-length: 0')],
    ['a status of its own', head('299 Odd', 'content-length: 0')],
    ['400', head('400 Bad Request', 'content-length: 2') + 'no'],
    ['204', head('204 No Content')],
    ['204 with a length', head('204 No Content', 'content-length: 5')],
    ['304', head('304 Not Modified', 'etag: "a"')],
    ['HEAD with a length', head('200 OK', 'content-length: 500'), { method: 'HEAD' }],
    ['HEAD with a coding', head('200 OK', 'content-length: 500', 'content-encoding: gzip'), { method: 'HEAD' }],
    ['a body until the connection ends', head('200 OK') + 'until the end'],
    ['chunks', head('200 OK', 'transfer-encoding: chunked') + '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'],
    ['chunks with extensions', head('200 OK', 'transfer-encoding: chunked') + '3;a=b;c="d"\r\nabc\r\n0\r\n\r\n'],
    [
      'chunks with trailers',
      head('200 OK', 'transfer-encoding: chunked', 'trailer: x-sum') + '3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n',
    ],
    ['chunk sizes in capitals', head('200 OK', 'transfer-encoding: chunked') + 'A\r\n0123456789\r\n0\r\n\r\n'],
    ['a body that is cut', head('200 OK', 'content-length: 100', 'x-close: now') + 'short'],
    ['chunks that are cut', head('200 OK', 'transfer-encoding: chunked', 'x-close: now') + '5\r\nabc'],
    ['interim answers', head('103 Early Hints', 'link: </a>') + head('102 Processing') + ok('after').toString()],
    ['an unsolicited 100', head('100 Continue') + ok('after').toString()],
    ['field names in any case', ok('x', 'X-oNe: 1', 'CONTENT-type: text/plain')],
    ['fields that repeat', ok('x', 'x-a: 1', 'x-b: 2', 'X-A: 3')],
    ['cookies', ok('x', 'set-cookie: a=1; Path=/', 'set-cookie: b=2, c', 'set-cookie: d=3')],
    ['an empty value', ok('x', 'x-empty:', 'x-space:   ')],
    ['bytes beyond ASCII in a field', ok('x', 'x-a: caf\u00e9')],
    ['UTF-8 in a field', ok('x', `x-a: ${Buffer.from('日本').toString('latin1')}`)],
    ['a field called __proto__', ok('x', '__proto__: a', '__proto__: b', 'constructor: c')],
    ['a byte order mark', ok(Buffer.from('\ufefftext'))],
    ['bytes that are no UTF-8', ok(Buffer.from([0x61, 0xff, 0x62]))],
    ['HTTP/1.0', `HTTP/1.0 200 OK\r\n\r\nold`],
    ['lines that end with LF', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a status without digits', 'HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n'],
    ['two lengths that differ', head('200 OK', 'content-length: 1', 'content-length: 2') + 'ab'],
    [
      'a length and chunks',
      head('200 OK', 'content-length: 3', 'transfer-encoding: chunked') + '3\r\nabc\r\n0\r\n\r\n',
    ],
    ['an invalid length', head('200 OK', 'content-length: -1')],
    ['a field without a colon', head('200 OK', 'content-length: 0', 'nonsense')],
    ['a NUL in a value', ok('x', 'x-a: a\0b')],
    ['a folded field', ok('x', 'x-a: a', ' b')],
    ['an invalid chunk size', head('200 OK', 'transfer-encoding: chunked') + 'zz\r\nabc\r\n0\r\n\r\n'],
    ['a huge chunk size', head('200 OK', 'transfer-encoding: chunked') + 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['an unknown coding', ok('raw', 'content-encoding: compress')],
    ['identity', ok('raw', 'content-encoding: identity')],
  ]
  it.each(answers.map(([name, given, call = {}]) => ({ name, given, call })))(
    'responses: $name',
    async ({ given, call }) => {
      reply = given
      const { ours, theirs } = await both(call)
      expect(ours).toEqual(theirs)
    },
  )

  it.each<[name: string, coding: string, encode: (bytes: Buffer) => Buffer]>([
    ['gzip', 'gzip', gzipSync],
    ['gzip in capitals', 'GZIP', gzipSync],
    ['x-gzip', 'x-gzip', gzipSync],
    ['br', 'br', brotliCompressSync],
    ['zstd', 'zstd', zstdCompressSync],
    ['deflate', 'deflate', deflateSync],
    ['deflate without its wrapping', 'deflate', deflateRawSync],
    ['two codings', 'gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
    ['gzip twice', 'gzip, gzip', (bytes) => gzipSync(gzipSync(bytes))],
    [
      'a body of two members',
      'gzip',
      (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 3)), gzipSync(bytes.subarray(3))]),
    ],
    ['garbage', 'gzip', () => Buffer.from('this is no gzip')],
  ])('codings: %s', async (_name, coding, encode) => {
    reply = ok(encode(Buffer.from('a body that was coded')), `content-encoding: ${coding}`)
    const { ours, theirs } = await both({})
    // The decoded body has no fields that describe the coded one, so that it can be passed on as it is.
    const decoded = (answer: typeof theirs) =>
      typeof answer?.answer === 'string' ? answer : { ...answer?.answer, headers: undefined }
    expect(decoded(ours)).toEqual(decoded(theirs))
  })

  const elsewhere = (path: string) => () =>
    head('302 Found', `location: http://127.0.0.1:${second.port}${path}`, 'content-length: 0')
  const moved = (status: number, location: string) =>
    head(`${status} Moved`, `location: ${location}`, 'content-length: 3') + 'moo'
  const redirects: readonly Case[] = [
    ...[301, 302, 303, 307, 308].flatMap((status) =>
      ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].map(
        (method): Case => [
          `${status} of ${method}`,
          moved(status, '/done?x=1'),
          {
            method,
            ...(method[0] === 'P' && { body: 'text' }),
            headers: { 'x-own': '1', 'content-language': 'de', authorization: 'Bearer t', cookie: 'a=1' },
          },
        ],
      ),
    ),
    ['300', moved(300, '/done')],
    ['a relative path', moved(302, 'done'), { path: '/a/b' }],
    ['a path upwards', moved(302, '../../done'), { path: '/a/b/c' }],
    ['a query alone', moved(302, '?x=/done'), { path: '/a/b' }],
    ['a fragment', moved(302, '/done#part')],
    ['a space', moved(302, '/done me')],
    ['UTF-8', moved(302, '/done/\u00e9')],
    ['no location', head('302 Found', 'content-length: 0')],
    ['another scheme', moved(302, 'ftp://example.test/done')],
    ['data:', moved(302, 'data:text/plain,hello')],
    ['javascript:', moved(302, 'javascript:alert(1)')],
    ['no URL', moved(302, 'http://[')],
    ['round and round', moved(302, '/again')],
    ['manual', moved(302, '/done'), { redirect: 'manual', headers: { 'x-manual': '1' } }],
    ['error', moved(302, '/done'), { redirect: 'error' }],
    ['another origin', elsewhere('/done'), { headers: { authorization: 'Bearer t', cookie: 'a=1', 'x-own': '1' } }],
    [
      'another origin, with a body',
      elsewhere('/done'),
      { method: 'PUT', body: 'text', headers: { authorization: 'Basic t' } },
    ],
  ]
  it.each(redirects.map(([name, given, call = {}]) => ({ name, given, call })))(
    'redirects: $name',
    async ({ given, call }) => {
      reply = given
      const { ours, theirs } = await both(call)
      expect(ours).toEqual(theirs)
    },
  )

  it.each<[name: string, call: Call]>([
    ['a query', { path: '/done?a=b%20c&d=é&e=+' }],
    ['a space in the path', { path: '/done/a b' }],
    ['letters beyond ASCII', { path: '/done/ü/日本' }],
    ['a fragment', { path: '/done#part' }],
    ['dot segments', { path: '/a/../done/./x' }],
    ['backslashes', { path: '\\done\\x' }],
    ['encoded slashes', { path: '/done/%2f%2E%2e' }],
    ['text', { path: '/done', method: 'POST', body: 'text' }],
    ['an empty text', { path: '/done', method: 'POST', body: '' }],
    ['no body', { path: '/done', method: 'POST' }],
    ['no body, PUT', { path: '/done', method: 'PUT' }],
    ['no body, DELETE', { path: '/done', method: 'DELETE' }],
    ['bytes', { path: '/done', method: 'POST', body: new Uint8Array([1, 2, 255]) }],
    ['a part of bytes', { path: '/done', method: 'POST', body: new Uint8Array([1, 2, 255]).subarray(1) }],
    ['a buffer', { path: '/done', method: 'POST', body: new Uint8Array([1, 2, 255]).buffer }],
    ['a view', { path: '/done', method: 'POST', body: new DataView(new Uint8Array([1, 2, 255]).buffer, 1) }],
    ['16 bit numbers', { path: '/done', method: 'POST', body: new Uint16Array([1, 513]) }],
    ['a Blob', { path: '/done', method: 'POST', body: new Blob(['blob'], { type: 'text/x-own' }) }],
    ['a Blob without a type', { path: '/done', method: 'POST', body: new Blob(['blob']) }],
    ['fields', { path: '/done', method: 'POST', body: new URLSearchParams({ a: 'b c', ü: '&' }) }],
    ['a stream', { path: '/done', method: 'POST', streamed: 'streamed' }],
    ['a type of its own', { path: '/done', method: 'POST', body: 'text', headers: { 'Content-Type': 'text/x-own' } }],
    ['fields beyond ASCII', { path: '/done', headers: { 'x-a': 'caf\u00e9' } }],
    ['spaces around a value', { path: '/done', headers: { 'x-a': '  a b\t' } }],
    ['an empty value', { path: '/done', headers: { 'x-a': '' } }],
    ['a line end in a value', { path: '/done', headers: { 'x-a': 'a\r\nx-b: c' } }],
    ['a letter that no field can hold', { path: '/done', headers: { 'x-a': '日本' } }],
    ['an invalid name', { path: '/done', headers: { 'x a': 'b' } }],
  ])('requests: %s', async (_name, call) => {
    const { ours, theirs } = await both(call)
    expect(ours).toEqual(theirs)
  })
})
