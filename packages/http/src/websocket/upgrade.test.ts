import { connect } from 'node:net'
import { isPid } from '@troupe/core'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { WebSocket as WsClient } from 'ws'
import { closing, next, opened, raw, refusal } from './testing/client.ts'
import { startServer } from './testing/start-server.ts'

describe('an upgrade', () => {
  it('is refused for pages of other origins', async () => {
    await using server = await startServer({
      sockets: { echo: {}, tell: { origins: ['https://a.test'] }, obey: { origins: ['*'] } },
    })
    const from = async (name: string, origin: string) => refusal(server.url(name), { origin })
    expect([
      await from('echo', 'https://evil.test'),
      await from('echo', 'null'),
      await from('echo', `http://127.0.0.1:${server.port}`),
    ]).toEqual([403, 403, undefined])
    expect([await from('tell', 'https://a.test'), await from('tell', 'https://a.test.evil.test')]).toEqual([
      undefined,
      403,
    ])
    expect(await from('obey', 'https://evil.test')).toBeUndefined()
  })

  it('is refused beyond max_connections, and accepted again when one is closed', async () => {
    await using server = await startServer({ sockets: { tell: { max_connections: 1 } } })
    const socket = await opened(server.url('tell'))
    expect(await refusal(server.url('tell'))).toBe(503)
    socket.close()
    await server.observer.until(({ topic }) => (topic === 'end' ? true : undefined))
    expect(await refusal(server.url('tell'))).toBeUndefined()
    expect(server.outcomes[1]).toMatchObject({ status: 503, error: { kind: 'Unavailable' } })
  })

  it('is refused while the target process of all connections does not exist', async () => {
    await using server = await startServer({ sockets: { obey: { target: 'hall' } } })
    expect(await refusal(server.url('obey'))).toBe(503)
    const hall = await processes.withName('hall').spawn('app:obey', 'app:host')
    const sockets = [await opened(server.url('obey')), await opened(server.url('obey'))]
    const closed = Promise.all(sockets.map(closing))
    sockets[0]?.send('confirm')
    expect(await next(sockets[0] ?? new WsClient(null))).toBe('sent')
    sockets[1]?.close(1000)
    expect(isPid(hall)).toBe(true)
    sockets[0]?.send('return')
    expect((await closed).map(({ code }) => code)).toEqual([1000, 1000])
  })

  it.each([
    ['no version', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n', 400],
    [
      'a version that is not known',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 99\r\n',
      400,
    ],
    ['no key', 'Sec-WebSocket-Version: 13\r\n', 400],
    ['a key of the wrong length', 'Sec-WebSocket-Key: c2hvcnQ=\r\nSec-WebSocket-Version: 13\r\n', 400],
  ])('is refused with %s', async (_, headers, status) => {
    await using server = await startServer({ sockets: { echo: {} } })
    const answer = await raw(
      server.port,
      `GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`,
    )
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(server.connections.size).toBe(0)
  })

  it('that is abandoned leaves nothing behind', async () => {
    await using server = await startServer({ sockets: { tell: {} } })
    const head = 'GET /tell HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`, () =>
      socket.destroy(),
    )
    await server.observer.until(({ topic }) => (topic === 'end' ? true : undefined))
    await expect.poll(() => server.connections.size).toBe(0)
  })
})
