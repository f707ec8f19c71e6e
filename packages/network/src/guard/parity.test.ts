/** A socket in an overlay behaves like a plain one over the life of a connection. `socket.test.ts` covers the start. */
import { once } from 'node:events'
import net, { type Server } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installGuard } from './install.ts'
import { a, eventOf, eventsOf, inNetwork, type Lab, listening, startLab, textOf } from './testing/lab.ts'

const stack = new AsyncDisposableStack()
const large = Buffer.alloc(8 << 20, 'x')
let lab: Lab

/** Returns the port of a server that passes each connection to `serve`. */
async function serving(serve: (socket: net.Socket) => void): Promise<number> {
  const server: Server = net.createServer({ allowHalfOpen: true }, (socket) =>
    serve(socket.on('error', () => socket.destroy())),
  )
  stack.defer(() => {
    server.close()
  })
  return listening(server)
}

const ports = { echo: 0, silent: 0, reset: 0, ends: 0, large: 0 }

beforeAll(async () => {
  ports.echo = await serving((socket) => socket.pipe(socket))
  ports.silent = await serving((socket) => socket.resume().on('end', () => socket.end()))
  ports.reset = await serving((socket) => socket.once('data', () => socket.resetAndDestroy()))
  // Ends first, and reads what arrives afterwards.
  ports.ends = await serving((socket) => {
    socket.end('over to you')
    socket.on('data', (data) => heard.push(String(data)))
  })
  ports.large = await serving((socket) => socket.end(large))
  installGuard()
  lab = await startLab()
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await stack.disposeAsync()
})
const heard: string[] = []

async function expectParity<T>(use: (connect: (options: net.NetConnectOpts) => net.Socket) => Promise<T>): Promise<T> {
  const of = async (network: typeof a | null) => inNetwork(network, async () => use((options) => net.connect(options)))
  const [plain, overlay] = [await of(null), await of(a)]
  expect(overlay).toEqual(plain)
  return overlay
}

const host = '127.0.0.1'

it('an idle connection times out, and stays open', async () => {
  const seen = await expectParity(async (connect) => {
    const socket = connect({ host, port: ports.echo, timeout: 50 })
    await once(socket, 'timeout')
    const { timeout, destroyed } = socket
    socket.setTimeout(0)
    socket.end('still here')
    return { timeout, destroyed, text: await textOf(socket) }
  })
  expect(seen).toEqual({ timeout: 50, destroyed: false, text: 'still here' })
})

it('a reset by the far end', async () => {
  const events = await expectParity(async (connect) => {
    const socket = connect({ host, port: ports.reset })
    const seen = eventsOf(socket)
    socket.write('go')
    return seen
  })
  expect(events).toEqual(['connectionAttempt', 'connect', 'ready', 'error ECONNRESET', 'close'])
})

it('a half-open connection, with and without allowHalfOpen', async () => {
  const seen = await expectParity(async (connect) => {
    const open = connect({ host, port: ports.ends, allowHalfOpen: true })
    open.resume()
    await once(open, 'end')
    const states = [open.readyState, open.writable]
    const before = heard.length
    open.end('thanks')
    await once(open, 'close')
    await expect.poll(() => heard.slice(before)).toEqual(['thanks'])
    const closing = connect({ host, port: ports.ends })
    closing.resume()
    await once(closing, 'close')
    return { states, writable: closing.writable, ended: closing.writableEnded }
  })
  expect(seen).toEqual({ states: ['writeOnly', true], writable: false, ended: true })
})

it('a reader that pauses', async () => {
  const seen = await expectParity(async (connect) => {
    const socket = connect({ host, port: ports.large })
    let size = 0
    socket.on('data', (data) => {
      size += data.length
    })
    await once(socket, 'data')
    socket.pause()
    const paused = size
    for (let turns = 0; turns < 20; turns++) await turn()
    const still = size === paused
    socket.resume()
    await once(socket, 'end')
    return { still, size }
  })
  expect(seen).toEqual({ still: true, size: large.length })
})

it('counts the bytes written, from the handshake with the proxy on', async () => {
  const of = async (network: typeof a | null) => {
    return inNetwork(network, async () => {
      const socket = net.connect({ host, port: ports.echo })
      await once(socket, 'connect')
      const before = socket.bytesWritten
      socket.end('twelve bytes')
      await textOf(socket)
      return { handshake: before > 0, written: socket.bytesWritten - before }
    })
  }
  expect(await of(null)).toEqual({ handshake: false, written: 12 })
  expect(await of(a)).toEqual({ handshake: true, written: 12 })
})

it('a write after the end, one after destroy, and one after a reset', async () => {
  const seen = await expectParity(async (connect) => {
    const code = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : error)
    const ended = connect({ host, port: ports.silent })
    ended.end()
    const afterEnd = eventOf(ended, 'error')
    ended.write('x')
    const destroyed = connect({ host, port: ports.silent })
    await once(destroyed, 'connect')
    destroyed.destroy()
    const afterDestroy = new Promise((resolve) => destroyed.write('x', resolve))
    const probe = connect({ host, port: ports.silent })
    const written = await new Promise((resolve) => probe.write('x', resolve))
    probe.destroy()
    return { afterEnd: code(await afterEnd), afterDestroy: code(await afterDestroy), written: written ?? 'no error' }
  })
  expect(seen).toMatchObject({ afterEnd: 'ERR_STREAM_WRITE_AFTER_END' })
})

it('does not keep its thread alive after unref(), also before it is connected', async () => {
  const seen = await expectParity(async (connect) => {
    const isHeld = (socket: net.Socket) => {
      const handle: unknown = Reflect.get(socket, '_handle')
      const hasRef: unknown = Reflect.get(Object(handle), 'hasRef')
      return typeof hasRef === 'function' && Reflect.apply(hasRef, handle, []) === true
    }
    const early = connect({ host, port: ports.silent }).unref()
    const back = connect({ host, port: ports.silent }).unref().ref()
    const late = connect({ host, port: ports.silent })
    await Promise.all([early, back, late].map(async (socket) => once(socket, 'connect')))
    late.unref()
    const held = [early, back, late].map(isHeld)
    for (const socket of [early, back, late]) socket.destroy()
    return held
  })
  expect(seen).toEqual([false, true, false])
})

it('a reset from this side, and its options', async () => {
  const seen = await expectParity(async (connect) => {
    const socket = connect({ host, port: ports.silent })
    await once(socket, 'connect')
    const chained = [socket.setNoDelay(), socket.setKeepAlive(true), socket.ref(), socket.unref(), socket.ref()].map(
      (one) => one === socket,
    )
    const { localFamily: family } = socket
    const events = eventsOf(socket)
    socket.resetAndDestroy()
    return { chained, family, events: await events }
  })
  expect(seen).toMatchObject({ family: 'IPv4', events: ['close'] })
})
