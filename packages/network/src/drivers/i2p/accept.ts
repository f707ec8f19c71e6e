/**
 * Accepts streams: the router forwards each stream to a port of this thread, after a line that names the peer. This was
 * measured against a pool of waiting STREAM ACCEPTs, of which i2pd loses connections when several arrive at once
 * (`docs/decisions/0017`).
 */
import type { TroupeError } from '@troupe/core'
import { once, setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Accepted, Listener, Target, ListenGrant } from '../../overlay/overlay.ts'
import { AcceptQueue } from '../accept-queue.ts'
import { listenClear } from '../../sockets/own-sockets.ts'
import { forwardTo } from './commands.ts'
import { SamConnection, greeted, type Patience } from './sam-connection.ts'
import { addressName, isDestination } from './destination.ts'
import { asError, Failures } from './errors.ts'
import { isLoopback } from '../loopback.ts'
import { configOf, defaultTimeouts } from './route.ts'

/** Milliseconds in which a connection must deliver the line that names the peer: the router writes it at once. */
const headerTimeout = 10_000

/** Forwardings to this thread, by session. */
const forwardings = new Map<string, Forwarding>()

/**
 * Accepts the streams of a session. A listener that already exists for the same session, of an overlay that was
 * replaced, hands its connections to the new one.
 *
 * @throws TroupeError `Unavailable` when the session is gone, or another listener accepts its streams.
 */
export async function accept(listenGrant: ListenGrant): Promise<Listener> {
  const { session } = configOf(listenGrant)
  const forwarding = forwardings.get(session) ?? (await Forwarding.start(listenGrant))
  return forwarding.attach(listenGrant.address)
}

class Forwarding {
  readonly #session: string
  readonly #control: SamConnection
  readonly #server: Server
  readonly #closing = new AbortController()
  #listener: I2pListener | undefined

  private constructor(session: string, control: SamConnection, server: Server, patience: Patience) {
    this.#session = session
    this.#control = control
    this.#server = server
    const signal = this.#closing.signal
    setMaxListeners(0, signal)
    const inTime = { ...patience, timeouts: { ...patience.timeouts, connect: headerTimeout }, signal }
    const router = control.remoteAddress
    // Only the router may connect here. A router on loopback may connect from any loopback address.
    const isLocalRouter = isLoopback(control.localAddress)
    server.on('connection', (socket) => {
      if (isLocalRouter || comesFrom(socket, router)) void this.#receive(socket, inTime)
      else socket.destroy()
    })
    forwardings.set(session, this)
    void this.#watch()
  }

  static async start(listenGrant: ListenGrant): Promise<Forwarding> {
    const { bridge, session, timeouts = defaultTimeouts } = configOf(listenGrant)
    const failures = new Failures(listenGrant.overlay, `listening at ${listenGrant.address.host}`)
    const patience = { timeouts, failures }
    const control = await greeted(bridge, patience)
    const server = createServer()
    try {
      const local = control.localAddress ?? ''
      // i2pd forwards to the address that the request came from, whatever the request contains.
      const listening = once(server, 'listening')
      listenClear(server, 0, local)
      await listening
      const request = forwardTo(session, local, portOf(server))
      await control.ask(request, { stage: 'request', limit: 'connect_timeout', topic: 'STREAM STATUS' })
      // The net.Server that uses the listener keeps the thread alive.
      server.unref()
      return new Forwarding(session, control.hold().unref(), server, patience)
    } catch (error) {
      server.close()
      control.close()
      throw error
    }
  }

  attach(address: Target): Listener {
    this.#listener?.connections.end()
    const listener = new I2pListener(address, () => {
      // A listener whose connections another one has taken over ends alone.
      if (this.#listener === listener) this.#end()
    })
    this.#listener = listener
    return listener
  }

  async #receive(socket: Socket, patience: Patience): Promise<void> {
    const accepted = await received(socket, patience).catch(() => undefined)
    if (accepted === undefined) return
    // A stream from a session to itself is a probe.
    const isOwn = accepted.peer.address === this.#listener?.address.host
    if (isOwn || this.#listener?.connections.put(accepted) !== true)
      accepted.socket.on('error', () => undefined).destroy()
  }

  /** The router forwards while that connection is open. */
  async #watch(): Promise<void> {
    try {
      for (;;) await this.#control.line()
    } catch (error) {
      this.#end(asError(error))
    }
  }

  #end(error?: TroupeError): void {
    if (forwardings.get(this.#session) === this) forwardings.delete(this.#session)
    this.#closing.abort()
    this.#server.close()
    this.#control.close()
    this.#listener?.connections.end(error)
  }
}

class I2pListener implements Listener {
  readonly address: Target
  readonly connections: AcceptQueue = new AcceptQueue()
  readonly #onEnd: () => void

  constructor(address: Target, onEnd: () => void) {
    this.address = address
    this.#onEnd = onEnd
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onEnd()
    this.connections.end()
  }
}

/** Reads the first line, which names the peer; the stream follows. */
async function received(arrived: Socket, patience: Patience): Promise<Accepted> {
  const conversation = new SamConnection(arrived, patience)
  const line = await conversation.line('connect_timeout')
  // At once, because the data after the line belongs to the stream.
  const socket = conversation.release()
  // From SAM 3.2 on, ports follow.
  const [destination = ''] = line.split(' ')
  if (isDestination(destination)) return { socket, peer: { address: await addressName(destination), destination } }
  socket.destroy()
  throw patience.failures.useless('the router did not name the peer', 'stream')
}

/**
 * Checks the remote address without side effects: a socket caches it on first read, and its receiver expects another
 * value.
 */
function comesFrom(socket: Socket, address: string | undefined): boolean {
  const { remoteAddress } = socket
  Reflect.deleteProperty(socket, '_peername')
  return remoteAddress === address
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
