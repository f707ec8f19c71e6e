/** For tests: overlays behind a relay that makes trouble, with an echo server in each. */
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryId, entryId, sleep } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { accept, dial } from '../dial/dial.ts'
import { FakeRouter } from '../drivers/i2p/testing/fake-router.ts'
import { readRequest, ScriptedProxy } from '../drivers/socks5/testing/scripted-proxy.ts'
import type { Target } from '../overlay/overlay.ts'
import { networkKinds } from '../overlay/overlay-kinds.ts'
import { OverlayTable } from '../overlay/overlay-table.ts'
import { Relay } from './trouble-relay.ts'

/** The id of every overlay under test. */
export const id = entryId('app:way')
const login = { username: 'ann', password: 'secret' }

export interface Stage {
  readonly relay: Relay
  readonly overlays: OverlayTable
  readonly target: Target
  /** Whether the peer accepts the login of the entry. */
  readonly admit: (isAdmitted: boolean) => void
}

export interface Driver {
  readonly name: string
  /** @param host - The host by which the overlay knows the relay. */
  readonly start: (stack: AsyncDisposableStack, host?: string) => Promise<Stage>
}

export const socks5: Driver = {
  name: 'network.socks5',
  async start(stack, host = '127.0.0.1') {
    const echo = await echoServer(stack)
    const gate = { isOpen: true }
    const proxy = stack.use(await forwardingProxy(gate))
    const relay = stack.use(await Relay.to({ host: '127.0.0.1', port: proxy.port }))
    const limits = { connect_timeout: '500ms', first_byte_timeout: '500ms', handshake_timeout: '500ms' }
    // The relay makes trouble only for connections that are made from then on.
    const overlays = await open(stack, 'network.socks5', { host, port: relay.port, spares: 0, ...login, ...limits })
    const admit = (isAdmitted: boolean) => void (gate.isOpen = isAdmitted)
    return { relay, overlays, target: { host: 'echo.test', port: portOf(echo) }, admit }
  },
}

export const i2p: Driver = {
  name: 'network.i2p',
  async start(stack, host = '127.0.0.1') {
    const router = stack.use(await FakeRouter.start())
    const relay = stack.use(await Relay.to({ host: '127.0.0.1', port: router.port }))
    const limits = {
      connect_timeout: '500ms',
      session_timeout: '500ms',
      dial_timeout: '500ms',
      wait_timeout: '500ms',
      first_byte_timeout: '2s',
    }
    const overlays = await open(stack, 'network.i2p', { host, port: relay.port, ...login, ...limits })
    const { address } = await echoInRouter(stack, { port: router.port })
    return {
      relay,
      overlays,
      target: { host: address, port: 80 },
      admit: (isAdmitted) => void (router.admits = isAdmitted),
    }
  },
}

export const drivers: readonly Driver[] = [socks5, i2p]

/** Opens the overlay {@link id} with these fields. */
export async function open(
  stack: AsyncDisposableStack,
  kind: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<OverlayTable> {
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind, fields })
  const overlays = stack.use(new OverlayTable(registry))
  await overlays.add(id)
  return overlays
}

/** Returns the echo of a hello. */
export async function echoed(overlays: OverlayTable, target: Target): Promise<string> {
  const socket = await dial(overlays.route(id), target, { timeout: 20_000 })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  socket.on('error', reject).on('close', () => reject(new Error('closed')))
  socket.once('data', (chunk) => resolve(String(chunk))).write('hello')
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/** A destination of the router that echoes streams; its listeners listen again after they are lost. */
export async function echoInRouter(
  stack: AsyncDisposableStack,
  {
    host = '127.0.0.1',
    port,
    limit = '10s',
  }: { readonly host?: string; readonly port: number; readonly limit?: string },
): Promise<{ readonly id: EntryId; readonly overlays: OverlayTable; readonly address: string }> {
  const far = entryId('app:far')
  const registry = new Registry({ kinds: networkKinds })
  const limits = { connect_timeout: limit, session_timeout: limit, dial_timeout: limit }
  registry.add({ id: far, kind: 'network.i2p', fields: { host, port, ...login, ...limits } })
  const folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'troupe-matrix-')))
  const overlays = stack.use(new OverlayTable(registry, { stateDir: folder.path }))
  const overlay = await overlays.add(far)
  const { listenGrant } = await overlay.bind({ port: 80 })
  const over = new AbortController()
  stack.defer(() => over.abort())
  const serve = async () => {
    const listener = await accept(listenGrant)
    for await (const { socket } of listener.connections) socket.on('error', () => socket.destroy()).pipe(socket)
  }
  // Like servers, which listen again when the place is lost.
  const keepServing = async () => {
    while (!over.signal.aborted) {
      await serve().catch(() => undefined)
      await sleep(50, over.signal).catch(() => undefined)
    }
  }
  void keepServing()
  return { id: far, overlays, address: listenGrant.address.host }
}

/** Accepts any login while the gate is open; every name resolves to this machine. */
async function forwardingProxy(gate: { readonly isOpen: boolean }): Promise<ScriptedProxy> {
  return ScriptedProxy.start(async (socket, read) => {
    await read((await read(2)).readUInt8(1))
    socket.write(Buffer.from([5, 2]))
    await read((await read(2)).readUInt8(1))
    await read((await read(1)).readUInt8(0))
    if (!gate.isOpen) {
      socket.end(Buffer.from([1, 1]))
      return
    }
    socket.write(Buffer.from([1, 0]))
    const { port } = await readRequest(read)
    const far = connect(port, '127.0.0.1')
    socket.on('close', () => far.destroy())
    far.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    await once(far, 'connect')
    socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]))
    socket.pipe(far).pipe(socket)
  })
}

async function echoServer(stack: AsyncDisposableStack): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stack.defer(() => void server.close())
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
