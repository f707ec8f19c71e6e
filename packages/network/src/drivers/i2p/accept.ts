/**
 * Accepts streams: the router forwards each to a port of this thread, and says first who comes. Measured against a pool of waiting
 * STREAM ACCEPTs, of which i2pd loses connections when several come at once (`docs/decisions/0017`).
 */
import type { TroupeError } from '@troupe/core'
import { once, setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { I2pSam } from '@diva.exchange/i2p-sam'
import type { Accepted, Listener, Target, Ticket } from '../../overlay.ts'
import { Arrivals } from './arrivals.ts'
import { inTheClear } from '../in-the-clear.ts'
import { forwardTo } from './commands.ts'
import { Conversation, greeted, type Patience } from './conversation.ts'
import { isDestination } from './destination.ts'
import { asError, Failures } from './failures.ts'
import { configOf, defaultTimeouts } from './route.ts'

/** Milliseconds in which a connection has to say who comes: the router writes that at once. */
const headerTimeout = 10_000

/** @throws TroupeError `Unavailable` when the session is gone, or somebody else accepts its streams. */
export async function accept(ticket: Ticket): Promise<Listener> {
  const { bridge, session, timeouts = defaultTimeouts } = configOf(ticket)
  const failures = new Failures(ticket.overlay, `listening at ${ticket.address.host}`)
  // Read here and not above: threads that only dial need nothing of it.
  const { toB32 } = await import('@diva.exchange/i2p-sam')
  const patience = { timeouts, failures }
  const control = await greeted(bridge, patience)
  const server = createServer()
  try {
    const local = control.localAddress ?? ''
    // i2pd forwards to where the request came from, whatever the request says.
    const listening = once(server, 'listening')
    inTheClear(() => server.listen({ port: 0, host: local, exclusive: true }))
    await listening
    const request = forwardTo(session, local, portOf(server))
    await control.ask(request, { stage: 'request', limit: 'connect_timeout', topic: 'STREAM STATUS' })
    // It is the server in front of it that keeps the thread alive.
    server.unref()
    return new I2pListener(ticket.address, control.hold().unref(), server, { patience, toB32 })
  } catch (error) {
    server.close()
    control.close()
    throw error
  }
}

interface Reception {
  readonly patience: Patience
  readonly toB32: typeof I2pSam.toB32
}

class I2pListener implements Listener {
  readonly address: Target
  readonly connections: Arrivals = new Arrivals()
  readonly #control: Conversation
  readonly #server: Server
  readonly #closing = new AbortController()

  constructor(address: Target, control: Conversation, server: Server, reception: Reception) {
    this.address = address
    this.#control = control
    this.#server = server
    const signal = this.#closing.signal
    setMaxListeners(0, signal)
    const patience = { ...reception.patience, signal }
    server.on('connection', (socket) => {
      // Only the router has business here. On loopback it may come from any address.
      if (isLoopback(socket.localAddress) || socket.remoteAddress === control.remoteAddress)
        void this.#receive(socket, { ...reception, patience })
      else socket.destroy()
    })
    void this.#watch()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  async #receive(socket: Socket, reception: Reception): Promise<void> {
    const accepted = await received(socket, reception).catch(() => undefined)
    if (accepted !== undefined && !this.connections.put(accepted)) accepted.socket.destroy()
  }

  /** The router forwards for as long as that connection stands. */
  async #watch(): Promise<void> {
    try {
      for (;;) await this.#control.line()
    } catch (error) {
      this.#end(asError(error))
    }
  }

  #end(error?: TroupeError): void {
    this.connections.end(error)
    this.#closing.abort()
    this.#server.close()
    this.#control.close()
  }
}

/** Who comes, in the first line; what follows is the stream. */
async function received(socket: Socket, { patience, toB32 }: Reception): Promise<Accepted> {
  const conversation = new Conversation(socket, { ...patience, timeouts: { ...patience.timeouts, connect: headerTimeout } })
  const line = await conversation.line('connect_timeout')
  // From SAM 3.2 on, ports follow.
  const [destination = ''] = line.split(' ')
  if (!isDestination(destination)) {
    conversation.close()
    throw patience.failures.useless('the router does not say who comes', 'stream')
  }
  return { socket: conversation.release(), peer: { address: `${toB32(destination)}.b32.i2p`, destination } }
}

function isLoopback(address = ''): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
