import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startServer } from './testing/start-server.ts'

type Rest<T> = T extends [unknown, ...infer R] ? R : never

async function opened(url: string, ...rest: Rest<ConstructorParameters<typeof WebSocket>>): Promise<WebSocket> {
  const socket = new WebSocket(url, ...rest)
  await once(socket, 'open')
  return socket
}

async function next(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => {
    socket.once('message', (data, isBinary) => {
      resolve(Buffer.isBuffer(data) && !isBinary ? data.toString() : data)
    })
  })
}

async function closing(socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() })
    })
  })
}

describe('a WebSocket', () => {
  it('is handed to a process of its own, which answers', async () => {
    await using server = await startServer({ sockets: { echo: {} } })
    const socket = await opened(server.url('echo'))
    socket.send('hello')
    expect(await next(socket)).toBe('hello')
    socket.send(Buffer.from([1, 2, 3]))
    expect(await next(socket)).toEqual(Buffer.from([1, 2, 3]))
    const closed = closing(socket)
    socket.close(1000, 'enough')
    expect(await closed).toEqual({ code: 1000, reason: 'enough' })
  })
})
