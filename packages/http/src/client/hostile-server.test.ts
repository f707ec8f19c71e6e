import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../testing/application.ts'
import { startRaw } from '../testing/servers.ts'
import { closeHttpPools, cookieJar, http, type RequestOptions } from '../index.ts'

const get = (port: number, options?: RequestOptions) =>
  inFrame({ overlay: null }, () => http.get(`http://127.0.0.1:${port}/`, options))
const read = async (port: number, options?: RequestOptions) => (await get(port, options)).text()
const head = (...fields: readonly string[]) => ['HTTP/1.1 200 OK', ...fields, '', ''].join('\r\n')
/** Writes `start`, and then `piece` for as long as the other side accepts it. */
const forever = (socket: Socket, start: string, piece: string | Buffer) => {
  const more = () => {
    for (let index = 0; index < 1000 && socket.write(piece); index += 1);
    if (!socket.destroyed) setImmediate(more)
  }
  socket.write(start)
  more()
}
const chunked = head('transfer-encoding: chunked')
const long = 'x'.repeat(1000)
const bomb = gzipSync(Buffer.alloc(10_000_000))

beforeEach(() => void startApplication())
afterEach(async () => closeHttpPools(0))

describe('a hostile server', () => {
  it.each<[name: string, says: (socket: Socket) => void, kind: string]>([
    ['header fields without end', (socket) => forever(socket, head().slice(0, -2), 'x-a: b\r\n'), 'Unavailable'],
    ['one field without end', (socket) => forever(socket, 'HTTP/1.1 200 OK\r\nx-a: ', long), 'Unavailable'],
    [
      'interim answers without end',
      (socket) => forever(socket, '', 'HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n'),
      'Unavailable',
    ],
    ['a body without end', (socket) => forever(socket, head(), long), 'Invalid'],
    ['chunks without end', (socket) => forever(socket, chunked, '1\r\nx\r\n'), 'Invalid'],
    ['trailers without end', (socket) => forever(socket, `${chunked}0\r\n`, 'x-a: b\r\n'), 'Unavailable'],
    ['a bomb', (socket) => forever(socket, head('content-encoding: gzip'), bomb), 'Invalid'],
    // None of these is kept in memory, so they last for as long as the client waits.
    ['a status line without end', (socket) => forever(socket, 'HTTP/1.1 200 ', long), 'Timeout'],
    ['a chunk extension without end', (socket) => forever(socket, `${chunked}1;a=`, long), 'Timeout'],
  ])('%s', async (_name, says, kind) => {
    await using origin = await startRaw((socket) => says(socket))
    await expect(
      read(origin.port, { maxResponseBody: 100_000, timeout: kind === 'Timeout' ? 300 : 30_000 }),
    ).rejects.toMatchObject({
      kind,
    })
  })

  it.each<[name: string, says: string | Buffer, kind?: string]>([
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['a status that HTTP does not have', 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'],
    ['HTTP/3.7', 'HTTP/3.7 200 OK\r\n\r\n'],
    ['HTTP/2 by surprise', Buffer.from('000012040000000000', 'hex')],
    ['TLS', Buffer.from('16030100020202', 'hex')],
    ['a line end in the status line', 'HTTP/1.1 200 O\rK\r\ncontent-length: 0\r\n\r\n'],
    ['a space before the colon', `${head('content-length : 2')}ok`],
    ['a control character in a cookie', head('content-length: 0', 'set-cookie: a=1\u0001b')],
    ['a length beyond all limits', head('content-length: 9007199254740991'), 'Invalid'],
    ['a transfer coding that is not undone', `${head('transfer-encoding: gzip')}ok`],
    ['two transfer codings', `${head('transfer-encoding: gzip, chunked')}2\r\nok\r\n0\r\n\r\n`],
  ])('%s', async (_name, says, kind = 'Unavailable') => {
    await using origin = await startRaw((socket) => socket.end(says))
    const failure = await read(origin.port).catch((error: unknown) => error)
    expect(failure).toMatchObject({ kind })
    // Fields can be secrets: the error does not repeat an unreadable one.
    expect(inspect(failure)).not.toContain('a=1')
  })

  it('cannot put excess bytes into the next response', async () => {
    const forged = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged'
    const says = [
      `HTTP/1.1 204 No Content\r\n\r\n${forged}`,
      `HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n${forged}`,
      `${head('content-length: 2')}ok${forged}`,
      `${head('transfer-encoding: chunked')}2\r\nok\r\n0\r\n\r\n${forged}`,
    ]
    for (const first of says) {
      let count = 0
      await using origin = await startRaw(
        (socket) => void socket.write((count += 1) === 1 ? first : `${head('content-length: 4')}real`),
      )
      await read(origin.port)
      expect(await read(origin.port)).toBe('real')
    }
  })

  it('that stops sending is waited for until the timeout, at any point', async () => {
    for (const part of ['', 'HTTP', 'HTTP/1.1 200 OK\r\nx-a', head('content-length: 9').slice(0, -2)]) {
      await using origin = await startRaw((socket) => void socket.write(part))
      await expect(get(origin.port, { timeout: 100 })).rejects.toMatchObject({ kind: 'Timeout' })
    }
    for (const part of [
      head('content-length: 9'),
      `${head('transfer-encoding: chunked')}3\r\nab`,
      `${head('content-length: 99', 'content-encoding: gzip')}\x1f`,
    ]) {
      await using origin = await startRaw((socket) => void socket.write(part, 'latin1'))
      await expect(read(origin.port, { timeout: 100 })).rejects.toMatchObject({ kind: 'Timeout' })
    }
  })

  it('that closes early causes an error, however the body is read', async () => {
    const parts = [
      `${head('content-length: 9')}half`,
      `${head('transfer-encoding: chunked')}9\r\nhalf`,
      `${head('transfer-encoding: chunked')}4\r\nhalf\r\n`,
    ]
    for (const part of parts) {
      for (const stream of [false, true]) {
        await using origin = await startRaw((socket) => socket.end(part))
        await expect(read(origin.port, { stream })).rejects.toMatchObject({ kind: 'Unavailable' })
      }
    }
  })

  it('sets no cookie for other sites, and none into a header', async () => {
    const fields = [
      'evil=1; Domain=example.org',
      'com=1; Domain=com',
      '__Host-x=1',
      'ok=1; Path=/',
      '=',
      ';',
      'long=' + 'x'.repeat(5000),
    ]
    await using origin = await startRaw(
      (socket) => void socket.write(head('content-length: 0', ...fields.map((field) => `set-cookie: ${field}`))),
    )
    const cookies = await cookieJar()
    await get(origin.port, { cookies })
    await get(origin.port, { cookies })
    const sent = /\r\ncookie: (.*)\r\n/i.exec(origin.heads[1] ?? '')?.[1]
    expect(sent?.split('; ').filter((each) => !each.startsWith('long='))).toEqual(['ok=1'])
  })

  it('cannot redirect outside HTTP, or without end', async () => {
    for (const to of [
      'file:///etc/passwd',
      'data:,x',
      'ws://127.0.0.1/',
      'http://',
      '//',
      'http://127.0.0.1:99999/',
      'http://a b/',
    ]) {
      await using origin = await startRaw(
        (socket) => void socket.write(`HTTP/1.1 302 Found\r\nlocation: ${to}\r\ncontent-length: 0\r\n\r\n`),
      )
      await expect(get(origin.port)).rejects.toMatchObject({ kind: 'Unavailable', retryable: false })
      expect(origin.heads.length).toBe(1)
    }
    await using origin = await startRaw(
      (socket) => void socket.write('HTTP/1.1 302 Found\r\nlocation: ?x\r\ncontent-length: 0\r\n\r\n'),
    )
    await expect(get(origin.port)).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('20 redirects') as string,
    })
    expect(origin.heads.length).toBe(21)
  })

  it('gets no key by a redirect', async () => {
    await using other = await startRaw((socket) => void socket.write(head('content-length: 0')))
    await using origin = await startRaw(
      (socket) =>
        void socket.write(
          `HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:${other.port}/\r\ncontent-length: 0\r\n\r\n`,
        ),
    )
    const keys = [
      'authorization',
      'x-api-key',
      'api_key',
      'x-auth-token',
      'x-amz-security-token',
      'x-session',
      'client-secret',
      'private-token',
    ]
    const plain = ['x-request-id', 'x-author', 'tokenizer', 'accept-language']
    await get(origin.port, { headers: Object.fromEntries([...keys, ...plain].map((name) => [name, 'value'])) })
    const names = (text = '') => new Set(text.split('\r\n').map((line) => line.split(':')[0]?.toLowerCase()))
    expect([...keys, ...plain].filter((name) => !names(origin.heads[0]).has(name))).toEqual([])
    expect([...keys, ...plain].filter((name) => names(other.heads[0]).has(name))).toEqual(plain)
  })
})
