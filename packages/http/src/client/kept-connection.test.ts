import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../testing/application.ts'
import { startHttp2Origin, startRaw, startSecureOrigin } from '../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../index.ts'

const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

beforeEach(() => void startApplication())
afterEach(async () => closeHttpPools(0))

describe('a kept connection that the server closed', () => {
  const send = async (port: number, method: string, options?: RequestOptions) =>
    (await clear(() => http.request(method, `http://127.0.0.1:${port}/`, options))).text()

  it('is replaced, again and again', async () => {
    await using origin = await startRaw((socket) => socket.end(answer))
    for (let index = 0; index < 20; index += 1) expect(await send(origin.port, 'GET')).toBe('ok')
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE']) await send(origin.port, method)
    expect(await send(origin.port, 'PUT', { body: 'again', headers: { 'x-last': '1' } })).toBe('ok')
    expect(origin.heads.at(-1)).toMatch(/x-last[^]*again$/)
  })

  it.each([
    ['ends', (socket: Socket) => socket.end()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('during use: it %s', async (_how, close) => {
    await using origin = await startRaw(
      (socket, _request, before) => void (before === 0 ? socket.write(answer) : close(socket)),
    )
    await send(origin.port, 'GET')
    expect(await send(origin.port, 'GET')).toBe('ok')
    expect(origin.heads.length).toBe(3)
  })

  it('is replaced by a new one, although other kept ones are closed too', async () => {
    const sockets = new Set<Socket>()
    await using origin = await startRaw((socket, _request, before) => {
      sockets.add(socket)
      if (before > 0) socket.resetAndDestroy()
      else if (sockets.size >= 5) for (const each of sockets) each.write(answer)
    })
    // Five at once, each on a connection of its own.
    await Promise.all(Array.from({ length: 5 }, async () => send(origin.port, 'GET')))
    expect(await send(origin.port, 'GET')).toBe('ok')
  })

  it('is replaced once', async () => {
    let count = 0
    await using origin = await startRaw((socket) => void ((count += 1) === 1 ? socket.write(answer) : socket.destroy()))
    await send(origin.port, 'GET')
    await expect(send(origin.port, 'GET')).rejects.toMatchObject({ kind: 'Unavailable', retryable: true })
    expect(count).toBe(3)
  })

  it('fails if a retry could do harm: other methods, streams, partial responses', async () => {
    let part = ''
    await using origin = await startRaw(
      (socket, _request, before) => void (before === 0 ? socket.write(answer) : socket.end(part)),
    )
    const failed = async (method: string, options?: RequestOptions) => {
      await send(origin.port, 'GET')
      const before = origin.heads.length
      await expect(send(origin.port, method, options)).rejects.toMatchObject({ kind: 'Unavailable' })
      expect(origin.heads.length).toBe(before + 1)
    }
    await failed('POST', { body: 'once' })
    await failed('PATCH')
    await failed('PUT', { body: new Blob(['once']).stream() })
    part = 'HTTP/1.1 2'
    await failed('GET')
    part = 'HTTP/1.1 103 Early Hints\r\n\r\n'
    await failed('GET')
  })

  it('on a new connection is an error', async () => {
    await using origin = await startRaw((socket) => socket.destroy())
    await expect(send(origin.port, 'GET')).rejects.toMatchObject({ kind: 'Unavailable', retryable: true })
    expect(origin.heads.length).toBe(1)
  })

  it('is replaced with TLS, and with HTTP/2', async () => {
    await using secure = await startSecureOrigin((_request, response) => void response.end('ok'))
    await using two = await startHttp2Origin()
    for (const origin of [secure, two]) {
      const get = async () =>
        (await clear(() => http.get(`https://localhost:${origin.port}/`, { tls: { insecureSkipVerify: true } }))).text()
      await get()
      for (let index = 0; index < 5; index += 1) {
        const closed = Array.from(origin.connections, async (socket) => once(socket, 'close'))
        const next = get()
        for (const socket of origin.connections) socket.destroy()
        expect(await next).toMatch(/ok|two/)
        await Promise.all(closed)
      }
    }
  })
})
