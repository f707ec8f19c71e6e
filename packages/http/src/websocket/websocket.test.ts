import { once } from 'node:events'
import { entryId } from '@troupe/core'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { closing, next, opened, still } from './testing/client.ts'
import { startServer } from './testing/start-server.ts'

describe('a WebSocket', () => {
  it('is handled by its own process, which replies', async () => {
    await using server = await startServer({ sockets: { echo: {} } })
    const socket = await opened(server.url('echo'))
    socket.send('hello')
    expect(await next(socket)).toBe('hello')
    socket.send(Buffer.from([1, 2, 3]))
    expect(await next(socket)).toEqual(Buffer.from([1, 2, 3]))
    for (const empty of ['', Buffer.alloc(0), Buffer.alloc(0)]) {
      socket.send(empty)
      expect(await next(socket)).toEqual(empty)
    }
    const closed = closing(socket)
    socket.close(1000, 'enough')
    expect(await closed).toEqual({ code: 1000, reason: 'enough' })
    expect(server.outcomes).toEqual([{ status: 101 }])
  })

  it('works with the WebSocket of Node', async () => {
    await using server = await startServer({ sockets: { echo: {} } })
    const socket = new WebSocket(server.url('echo'))
    socket.binaryType = 'arraybuffer'
    await once(socket, 'open')
    socket.send('hello')
    const data = await new Promise((resolve) => {
      socket.addEventListener('message', (event) => {
        resolve(event.data)
      })
    })
    expect(data).toBe('hello')
    const closed = once(socket, 'close')
    socket.close()
    await closed
  })

  it('reports its start, its messages and its close; then the process ends', async () => {
    await using server = await startServer({ sockets: { tell: { protocols: ['v2', 'v1'] } } })
    const { observer } = server
    const socket = await opened(`${server.url('tell')}?x=1`, { headers: { 'x-mine': 'yes' } }, ['v1', 'v2'])
    expect(socket.protocol).toBe('v2')
    socket.send('one')
    socket.send(Buffer.from([7]))
    socket.close(4001, 'bye')
    await observer.until(({ topic }) => (topic === 'end' ? true : undefined))
    expect(observer.observed.slice(0, -1)).toEqual([
      {
        topic: 'ws.open',
        payload: {
          entry: 'app:tell-socket',
          url: '/tell?x=1',
          params: { room: 'blue' },
          headers: expect.objectContaining({ 'x-mine': 'yes' }) as unknown,
          protocol: 'v2',
          remoteAddress: '127.0.0.1',
        },
      },
      { topic: 'ws.message', payload: 'one' },
      { topic: 'ws.message', payload: new Uint8Array([7]) },
      { topic: 'ws.close', payload: { code: 4001, reason: 'bye' } },
    ])
    expect(server.connections.size).toBe(0)
  })

  it('is closed with 1000 when its process returns, after its last messages', async () => {
    await using server = await startServer({ sockets: { obey: {} } })
    const socket = await opened(server.url('obey'))
    const [words, closed] = [next(socket), closing(socket)]
    socket.send('return')
    expect(await words).toBe('last words')
    expect(await closed).toEqual({ code: 1000, reason: '' })
  })

  it('is closed with 1011 when its process fails, without the reason', async () => {
    await using server = await startServer({ sockets: { obey: {} } })
    const socket = await opened(server.url('obey'))
    const closed = closing(socket)
    socket.send('fail')
    expect(await closed).toEqual({ code: 1011, reason: 'the process failed' })
  })

  it('is closed as its process requests', async () => {
    await using server = await startServer({ sockets: { obey: {} } })
    const socket = await opened(server.url('obey'))
    const closed = closing(socket)
    socket.send('close 4000 enough')
    expect(await closed).toEqual({ code: 4000, reason: 'enough' })
  })

  it.each(['close 1005', 'close 999', 'send'])(
    'is closed with 1011 when its process sends an invalid value: %s',
    async (order) => {
      await using server = await startServer({ sockets: { obey: {} } })
      const socket = await opened(server.url('obey'))
      const closed = closing(socket)
      socket.send(order)
      expect((await closed).code).toBe(1011)
    },
  )

  it('confirms a call once its message is written', async () => {
    await using server = await startServer({ sockets: { obey: {} } })
    const socket = await opened(server.url('obey'))
    socket.send('confirm')
    expect([await next(socket), await next(socket)]).toEqual(['sent', 'confirmed'])
  })

  it('is closed with 1001 when the service stops', async () => {
    await using server = await startServer({ sockets: { echo: {}, tell: {} } })
    const sockets = [await opened(server.url('echo')), await opened(server.url('tell'))]
    const closed = Promise.all(sockets.map(closing))
    await server.stop()
    expect(await closed).toEqual([1, 2].map(() => ({ code: 1001, reason: 'the service stops' })))
    await expect.poll(() => server.connections.size).toBe(0)
  })

  it('is cut when its connection process is terminated', async () => {
    await using server = await startServer({ sockets: { whoami: {} } })
    const socket = await opened(server.url('whoami'))
    await next(socket)
    const closed = closing(socket)
    const connection = [...server.kernel.processes.all()].find(({ entry }) => entry === entryId('app:whoami-socket'))
    await processes.terminate(connection?.pid ?? '')
    expect((await closed).code).toBe(1006)
  })

  it('ends a process that does not stop on request', async () => {
    await using server = await startServer({ sockets: { stubborn: { close_timeout: '20ms' } } })
    const socket = await opened(server.url('stubborn'))
    const pid = await server.observer.until(({ topic, payload }) =>
      topic === 'begun' && typeof payload === 'string' ? payload : undefined,
    )
    const exit = processes.exited(pid)
    socket.terminate()
    expect(await exit).toMatchObject({ error: { kind: 'Canceled', message: 'its connection is closed' } })
  })
})

describe('back-pressure', () => {
  it('stops reading while the process has no room', async () => {
    await using server = await startServer({ sockets: { slow: { max_payload: 65_536 } } })
    const socket = await opened(server.url('slow'))
    const pid = await server.observer.until(({ topic, payload }) =>
      topic === 'ready' && typeof payload === 'string' ? payload : undefined,
    )
    // More than sockets and mailbox hold together.
    const message = Buffer.alloc(65_536)
    for (let i = 0; i < 1000; i += 1) socket.send(message)
    await expect.poll(() => socket.bufferedAmount).toBeLessThan(1000 * message.length)
    expect(await still(() => socket.bufferedAmount)).toBeGreaterThan(500 * message.length)
    socket.close()
    // Not from here: this thread's credit for messages to that process is used up.
    await processes.spawn('app:urge', 'app:host', pid)
    expect(await server.observer.until(({ topic, payload }) => (topic === 'taken' ? payload : undefined))).toBe(1000)
  })

  it('suspends the process while the other side does not read', async () => {
    await using server = await startServer({ sockets: { obey: {} } })
    const socket = await opened(server.url('obey'))
    socket.pause()
    const count = 2000
    socket.send(`flood ${count} 65536`)
    const { observer } = server
    const flooded = () => observer.observed.filter(({ topic }) => topic === 'flooded').length
    await expect.poll(flooded).toBeGreaterThan(0)
    expect(await still(flooded)).toBeLessThan(count / 2)
    let received = 0
    const all = new Promise<void>((resolve) => {
      socket.on('message', () => {
        received += 1
        if (received === count) resolve()
      })
    })
    socket.resume()
    await all
    expect(received).toBe(count)
  })
})

describe('messages', () => {
  it('that are too long close the connection with 1009', async () => {
    await using server = await startServer({ sockets: { echo: { max_payload: 1000 } } })
    const socket = await opened(server.url('echo'))
    socket.send('x'.repeat(1000))
    expect(await next(socket)).toHaveLength(1000)
    const closed = closing(socket)
    socket.send('x'.repeat(1001))
    expect((await closed).code).toBe(1009)
  })

  it('are compressed if configured, and limited by their uncompressed size', async () => {
    await using server = await startServer({ sockets: { echo: { compression: true, max_payload: 100_000 }, obey: {} } })
    const socket = await opened(server.url('echo'))
    expect(socket.extensions).toContain('permessage-deflate')
    for (const size of [1, 1024, 100_000]) {
      socket.send('x'.repeat(size))
      expect(await next(socket)).toBe('x'.repeat(size))
    }
    const closed = closing(socket)
    socket.send('x'.repeat(100_000_000))
    expect((await closed).code).toBe(1009)
    expect((await opened(server.url('obey'))).extensions).toBe('')
  })
})

describe('a side that does not respond', () => {
  it('is disconnected', async () => {
    await using server = await startServer({ sockets: { tell: { ping_interval: '20ms' } } })
    const socket = await opened(server.url('tell'), { autoPong: false })
    const closed = closing(socket)
    expect((await closed).code).toBe(1006)
    expect(await server.observer.until(({ topic, payload }) => (topic === 'ws.close' ? payload : undefined))).toEqual({
      code: 1006,
      reason: '',
    })
  })

  it('is not one that answers pings', async () => {
    // Long enough for this side to respond on a busy machine.
    await using server = await startServer({ sockets: { echo: { ping_interval: '1s' } } })
    const socket = await opened(server.url('echo'))
    for (let ping = 0; ping < 3; ping += 1) await once(socket, 'ping')
    socket.send('still there')
    expect(await next(socket)).toBe('still there')
  })
})
