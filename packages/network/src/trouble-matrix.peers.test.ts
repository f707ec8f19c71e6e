/**
 * What each trouble between an overlay and its peer (a proxy, a router) makes of what goes on: one table for all drivers, whose peers are reached
 * through a relay that makes the trouble. `docs/overlays.md` has the table.
 */
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId, sleep, TroupeError } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { accept, dial } from './dial.ts'
import { FakeRouter } from './drivers/i2p/fake-router.ts'
import { readRequest, ScriptedProxy } from './drivers/socks5/scripted-proxy.ts'
import type { Target } from './overlay.ts'
import { networkKinds, Overlays } from './overlays.ts'
import { Relay, type Trouble } from './trouble-relay.ts'

const id = entryId('app:way')
const patience = { timeout: 20_000 }

/** An overlay behind a relay, and something that sends back what it gets. */
interface Stage {
  readonly relay: Relay
  readonly overlays: Overlays
  readonly target: Target
}

interface Driver {
  readonly name: string
  start(): Promise<Stage>
}

const drivers: readonly Driver[] = [
  {
    name: 'network.socks5',
    async start() {
      const echo = await echoServer()
      const proxy = await ScriptedProxy.start(async (socket, read) => {
        await read((await read(2)).readUInt8(1))
        socket.write(Buffer.from([5, 0]))
        const { port } = await readRequest(read)
        const far = connect(port, '127.0.0.1')
        socket.on('close', () => far.destroy())
        far.on('error', () => socket.destroy()).on('close', () => socket.destroy())
        await once(far, 'connect')
        socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
        socket.pipe(far).pipe(socket)
      })
      onTestFinished(async () => proxy[Symbol.asyncDispose]())
      const relay = await Relay.to(proxy.port)
      const limits = { connect_timeout: '500ms', first_byte_timeout: '500ms', handshake_timeout: '500ms' }
      const overlays = await open('network.socks5', { host: '127.0.0.1', port: relay.port, ...limits })
      return { relay, overlays, target: { host: 'echo.test', port: portOf(echo) } }
    },
  },
  {
    name: 'network.i2p',
    async start() {
      const router = await FakeRouter.start()
      onTestFinished(async () => router[Symbol.asyncDispose]())
      const relay = await Relay.to(router.port)
      const limits = {
        connect_timeout: '500ms',
        session_timeout: '500ms',
        dial_timeout: '500ms',
        wait_timeout: '500ms',
        first_byte_timeout: '2s',
      }
      const overlays = await open('network.i2p', { host: '127.0.0.1', port: relay.port, ...limits })
      const { address } = await echoInRouter(router.port)
      return { relay, overlays, target: { host: address, port: 80 } }
    },
  },
]

const stages: readonly Trouble[] = ['refuses', 'closes', 'resets', 'is silent', 'answers garbage', 'breaks off in the middle']

describe.each(drivers)('$name', ({ start }) => {
  describe.each(stages)('whose peer %s', (trouble) => {
    it('idle: is down with a reason, and up again when the peer is', { timeout: 60_000 }, async () => {
      const { relay, overlays } = await start()
      await becomes(overlays, 'up')
      await relay.make(trouble)
      relay.cut()
      const status = await becomes(overlays, 'down')
      expect(status?.reason).toContain(id)
      await relay.make('works')
      await becomes(overlays, 'up')
    })

    it('dialling: says so, names the overlay, may be tried again, and works when the peer does', { timeout: 60_000 }, async () => {
      const { relay, overlays, target } = await start()
      await becomes(overlays, 'up')
      await relay.make(trouble)
      const error: unknown = await dial(overlays.route(id), target, patience).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ retryable: true, details: { overlay: id } })
      expect(['Unavailable', 'Timeout']).toContain(error instanceof TroupeError ? error.kind : '')
      await relay.make('works')
      await vi.waitFor(async () => expect(await echoed(overlays, target)).toBe('hello'), { timeout: 20_000 })
    })

    it('streaming: an open stream breaks where its connection does, with all that came before, and otherwise goes on', async () => {
      const { relay, overlays, target } = await start()
      await becomes(overlays, 'up')
      const socket = await dial(overlays.route(id), target, patience)
      const heard: Buffer[] = []
      const end = new Promise<string>((resolve) => {
        socket.on('error', (error) => resolve('code' in error ? String(error.code) : String(error))).on('close', () => resolve('close'))
      })
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      socket.write('acknowledged')
      await vi.waitFor(() => expect(String(Buffer.concat(heard))).toBe('acknowledged'))
      await relay.make(trouble)
      socket.write(' and more')
      await vi.waitFor(() => expect(String(Buffer.concat(heard))).toBe('acknowledged and more'))
      relay.cut()
      expect(await end).toBe('ECONNRESET')
      expect(String(Buffer.concat(heard))).toBe('acknowledged and more')
      // Nothing went elsewhere: the relay is the only way, and has seen each connection.
      expect(relay.strays).toBe(0)
    })
  })

  it('survives a seeded walk over all of it: what is said to work works', { timeout: 120_000 }, async () => {
    const { relay, overlays, target } = await start()
    const random = seeded(18)
    for (let step = 0; step < 6; step += 1) {
      const trouble = stages[Math.floor(random() * stages.length)] ?? 'closes'
      await relay.make(trouble)
      if (random() < 0.5) relay.cut()
      const dials = Array.from({ length: 3 }, async () => echoed(overlays, target).catch((error: unknown) => error))
      for (const outcome of await Promise.all(dials)) expect(outcome).toBeInstanceOf(Error)
      await relay.make('works')
      await vi.waitFor(async () => expect(await echoed(overlays, target)).toBe('hello'), { timeout: 40_000 })
    }
    await becomes(overlays, 'up')
    expect(relay.strays).toBe(0)
  })
})

describe.each(stages)('a listener in I2P whose router %s', (trouble) => {
  it('is told of by the status, and is reached again at its address', { timeout: 60_000 }, async () => {
    const router = await FakeRouter.start()
    onTestFinished(async () => router[Symbol.asyncDispose]())
    const relay = await Relay.to(router.port)
    const at = await echoInRouter(relay.port, '500ms')
    const visitor = await open('network.i2p', { host: '127.0.0.1', port: router.port, wait_timeout: '500ms', first_byte_timeout: '2s' })
    const visit = async () => echoed(visitor, { host: at.address, port: 80 })
    expect(await visit()).toBe('hello')
    await relay.make(trouble)
    relay.cut()
    await vi.waitFor(async () => expect(await at.overlays.status(at.id)).toMatchObject({ state: 'down' }), { timeout: 20_000 })
    await expect(visit()).rejects.toThrow(/app:way/)
    await relay.make('works')
    await vi.waitFor(async () => expect(await visit()).toBe('hello'), { timeout: 40_000 })
    expect(await at.overlays.status(at.id)).toMatchObject({ state: 'up' })
  })
})

/** The same numbers for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function open(kind: string, fields: Readonly<Record<string, unknown>>): Promise<Overlays> {
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind, fields })
  const overlays = new Overlays(registry)
  onTestFinished(async () => overlays[Symbol.asyncDispose]())
  await overlays.add(id)
  return overlays
}

/** Its own look comes within seconds of a doubt. */
async function becomes(overlays: Overlays, state: string) {
  return vi.waitFor(
    async () => {
      overlays.get(id).doubt?.()
      const status = await overlays.status(id)
      expect(status).toMatchObject({ state })
      return status
    },
    { timeout: 40_000, interval: 100 },
  )
}

async function echoed(overlays: Overlays, target: Target): Promise<string> {
  const socket = await dial(overlays.route(id), target, patience)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  socket.on('error', reject).on('close', () => reject(new Error('closed')))
  socket.once('data', (chunk) => resolve(String(chunk))).write('hello')
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

async function echoServer(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** A destination of the router whose streams come back, by listeners that listen again when they are lost. */
async function echoInRouter(port: number, limit = '10s') {
  const far = entryId('app:far')
  const registry = new Registry({ kinds: networkKinds })
  const limits = { connect_timeout: limit, session_timeout: limit, dial_timeout: limit }
  registry.add({ id: far, kind: 'network.i2p', fields: { host: '127.0.0.1', port, ...limits } })
  const folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-matrix-'))
  onTestFinished(() => folder[Symbol.dispose]())
  const overlays = new Overlays(registry, { stateDir: folder.path })
  onTestFinished(async () => overlays[Symbol.asyncDispose]())
  const overlay = await overlays.add(far)
  const { ticket } = await overlay.bind({ port: 80 })
  const over = new AbortController()
  onTestFinished(() => over.abort())
  const serve = async () => {
    const listener = await accept(ticket)
    for await (const { socket } of listener.connections) socket.on('error', () => socket.destroy()).pipe(socket)
  }
  // As servers do: they listen again when they are told that nothing arrives any more.
  const keepServing = async () => {
    while (!over.signal.aborted) {
      await serve().catch(() => undefined)
      await sleep(50, over.signal).catch(() => undefined)
    }
  }
  void keepServing()
  return { id: far, overlays, address: ticket.address.host }
}
