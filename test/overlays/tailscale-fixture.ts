/** Overlays of `network.tailscale`, made of entries as in an application, in the test's own tailnet. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryId, entryId } from '@troupe/core'
import { accept, type Overlay, type Peer, type Route, type Target } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { Tailnet } from '../peers/tailnet.ts'

type Fields = Readonly<Record<string, unknown>>

/** A tailnet, and an application's overlays in it. */
/** The tailnet's data that is needed to join it. */
type Joinable = Pick<Tailnet, 'url' | 'key'>

export class TailnetWorld<T extends Joinable = Tailnet> implements AsyncDisposable {
  readonly tailnet: T
  readonly overlays: OverlayTable
  readonly registry: Registry
  /** What was logged. */
  readonly log: readonly string[]
  readonly folder: string
  readonly #stack: AsyncDisposableStack
  readonly #fields: Fields

  private constructor(tailnet: T, folder: string, fields: Fields, stack: AsyncDisposableStack) {
    const log: string[] = []
    this.tailnet = tailnet
    this.#fields = fields
    this.folder = folder
    this.log = log
    this.registry = new Registry({ kinds: networkKinds })
    this.overlays = stack.use(
      new OverlayTable(this.registry, { stateDir: join(folder, 'net'), log: (line) => void log.push(line) }),
    )
    this.#stack = stack
  }

  static async start(): Promise<TailnetWorld> {
    const tailnet = await Tailnet.start()
    const world = await TailnetWorld.in(tailnet)
    world.#stack.use(tailnet)
    return world
  }

  /** In a tailnet that continues when this ends. @param fields - Of all entries. */
  static async in<T extends Joinable>(tailnet: T, fields: Fields = {}): Promise<TailnetWorld<T>> {
    // No router of the machine is asked to forward ports.
    process.env['TS_DISABLE_PORTMAPPER'] = '1'
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'troupe-tailnet-'))
    stack.defer(async () => rm(folder, { recursive: true, force: true }))
    return new TailnetWorld(tailnet, folder, fields, stack.move())
  }

  idOf(name: string): EntryId {
    return entryId(`app:${name}`)
  }

  /** Adds the entry `app:<name>`, with its own key unless `fields` have one. */
  async entry(name: string, fields: Fields = {}): Promise<EntryId> {
    const id = this.idOf(name)
    const key = 'auth_key' in fields || 'auth_key_env' in fields ? {} : { auth_key: await this.tailnet.key() }
    this.registry.add({
      id,
      kind: 'network.tailscale',
      fields: { control_url: this.tailnet.url, ...this.#fields, ...key, ...fields },
    })
    return id
  }

  /** The overlay `app:<name>`, in its tailnet. */
  async node(name: string, fields: Fields = {}): Promise<Overlay> {
    return this.overlays.add(await this.entry(name, fields))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** Passes each connection at `port` of the overlay to `handle`, while the overlay runs; returns the address. */
export async function serve(
  overlay: Overlay,
  port: number,
  handle: (socket: Socket, peer: Peer) => void,
  tls = false,
): Promise<Target> {
  const { listenGrant } = await overlay.bind({ port, tls })
  const listener = await accept(listenGrant)
  const run = async () => {
    for await (const { socket, peer } of listener.connections)
      handle(
        socket.on('error', () => socket.destroy()),
        peer,
      )
  }
  // It ends with the overlay.
  void run().catch(() => undefined)
  return listener.address
}

let relays = 0

/** The route, but to a sidecar at a port of this machine. */
export function reroute(route: Route, folder: string, port: number): Route {
  relays += 1
  const path = join(folder, `${relays}.sock`)
  const relay = createServer((socket) => {
    const there = connect(port, '127.0.0.1')
    socket.on('error', () => undefined).once('close', () => there.destroy())
    there.on('error', () => undefined).once('close', () => socket.destroy())
    socket.pipe(there).pipe(socket)
    relay.close()
  })
  relay.listen(path).unref()
  return { ...route, config: { ...Object(route.config), socket: path } }
}

/** Serves HTTP at `port` of the overlay: the response contains the request's target and the requesting node. */
export async function serveHttp(overlay: Overlay, port: number): Promise<Target> {
  const nodes = new WeakMap<Socket, string | undefined>()
  const server = createHttpServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ url: request.url, node: nodes.get(request.socket) }))
  })
  return serve(overlay, port, (socket, { node }) => {
    nodes.set(socket, node)
    server.emit('connection', socket)
  })
}
