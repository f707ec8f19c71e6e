import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handOver, takeOver } from './socket-handoff.ts'

let stack = new AsyncDisposableStack()
let path = ''
/** What the far end does with its connection. */
let serve: (socket: Socket) => void = () => {}

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-hand-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  path = join(folder, 'far.sock')
})
afterEach(async () => stack.disposeAsync())

/** A connection that was dialled, over TCP or a Unix socket. */
async function dialled(way: 'TCP' | 'a Unix socket'): Promise<Socket> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => serve(socket.on('error', () => {})))
  stack.defer(() => void server.close())
  await once(way === 'TCP' ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening')
  const address = server.address()
  const socket =
    typeof address === 'object' && address !== null ? net.connect(address.port, '127.0.0.1') : net.connect(path)
  await once(socket, 'connect')
  return socket.on('error', () => {})
}

describe.each(['TCP', 'a Unix socket'] as const)('a connection by %s that is handed over', (way) => {
  it('is the same connection, in both directions, to its end', async () => {
    serve = (socket) => socket.pipe(socket)
    const socket = takeOver(await handOver(await dialled(way)))
    const sent = 'x'.repeat(1 << 20)
    socket.end(sent)
    expect((await text(socket)).length).toBe(sent.length)
  })

  it('includes bytes that were already received', async () => {
    serve = (socket) => socket.write('welcome', () => setImmediate(() => socket.end(', all')))
    const socket = await dialled(way)
    await once(socket, 'readable')
    expect(await text(takeOver(await handOver(socket)))).toBe('welcome, all')
  })

  it('breaks with a reset, not with an end', async () => {
    const breaking = Promise.withResolvers<() => void>()
    serve = (socket) =>
      socket.once('data', () => void (way === 'TCP' ? socket.resetAndDestroy() : breaking.promise.then((fn) => fn())))
    const former = await dialled(way)
    // A Unix socket has no reset; its error shows that it broke.
    breaking.resolve(() => void former.destroy(new Error('broken')))
    const socket = takeOver(await handOver(former))
    socket.write('go')
    const events: readonly unknown[] = await once(socket.resume(), 'error')
    expect(events[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  it('ends its far side when it is destroyed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    serve = (socket) =>
      socket
        .resume()
        .on('close', () => resolve())
        .on('end', () => socket.end())
    takeOver(await handOver(await dialled(way))).destroy()
    await expect(closed).resolves.toBeUndefined()
  })
})

it('is refused if it was closed before', async () => {
  const socket = await dialled('TCP')
  socket.destroy()
  await expect(handOver(socket)).rejects.toMatchObject({ kind: 'Unavailable' })
})
