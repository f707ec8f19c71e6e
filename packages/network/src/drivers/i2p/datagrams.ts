/**
 * Datagrams: each association has its own session, with a destination that peers learn only from its datagrams. The
 * router forwards its datagrams to a UDP port of this thread.
 */
import { invalid, unavailable } from '@troupe/core'
import { randomBytes } from 'node:crypto'
import type { RemoteInfo, Socket as DatagramSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Association, AssociationEvents } from '../../overlay/association.ts'
import type { DialOptions, Target } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { ownDatagrams } from '../../sockets/own-datagrams.ts'
import { createSession } from './commands.ts'
import { type SamConnection, greeted } from './sam-connection.ts'
import { addressName, destinationIn, destinationOf, formatTarget, isDestination } from './destination.ts'
import { asError, Failures } from './errors.ts'
import { lookUp } from './names.ts'
import { isLoopback } from '../loopback.ts'
import { anyPort, configOf, defaultTimeouts } from './route.ts'

const defaultTimeout = 30_000
const idBytes = 16
const newline = 10
/** SAM v3, repliable datagrams: the rest of 32 kB. */
const longest = 31_744

/** @throws TroupeError `Unavailable` when the router creates no session, `Timeout` when it takes too long. */
export async function associate(route: Route, { signal, timeout = defaultTimeout }: DialOptions): Promise<Association> {
  const failures = new Failures(route.overlay, 'an association for datagrams')
  const { bridge, timeouts = defaultTimeouts, datagrams: plan } = configOf(route)
  if (plan === undefined) throw failures.unsupported('this is no route to dial by')
  if (signal?.aborted === true) throw failures.canceled()
  const control = await greeted(bridge, {
    timeouts,
    failures,
    signal,
    caller: { timeout, until: performance.now() + timeout },
  })
  const local = control.localAddress ?? ''
  const relay = { host: control.remoteAddress ?? bridge.host, port: plan.port }
  const datagrams = ownDatagrams(isIPv6(local) ? 'udp6' : 'udp4')
  try {
    const ready = once(datagrams, 'listening')
    datagrams.bind(0, local)
    await ready
    const id = randomBytes(idBytes).toString('hex')
    const forward = { host: local, port: datagrams.address().port }
    const wish = {
      id,
      style: 'DATAGRAM',
      key: undefined,
      signatureType: plan.signatureType,
      options: plan.options,
      forward,
    } as const
    const question = { stage: 'session', limit: 'session_timeout', topic: 'SESSION STATUS' } as const
    const { values } = await control.ask(createSession(wish), question)
    const own = destinationIn(values.get('DESTINATION') ?? '')
    if (own === undefined) throw failures.useless('the router returned an invalid key', 'session')
    const address = { host: await addressName(own), port: anyPort }
    return new I2pAssociation({ route, control, datagrams, relay, id, address })
  } catch (error) {
    datagrams.close()
    control.close()
    throw error
  }
}

interface Parts {
  readonly route: Route
  /** The session lives as long as this connection. */
  readonly control: SamConnection
  readonly datagrams: DatagramSocket
  /** Where the bridge accepts datagrams. */
  readonly relay: Target
  readonly id: string
  readonly address: Target
}

class I2pAssociation extends EventEmitter<AssociationEvents> implements Association {
  readonly address: Target
  readonly #parts: Parts
  /** Destinations by name: datagrams need the whole destination. */
  readonly #known = new Map<string, Promise<string>>()
  #over = false

  constructor(parts: Parts) {
    super()
    this.#parts = parts
    this.address = parts.address
    const { control, datagrams } = parts
    control.hold().unref()
    datagrams.unref().on('message', (packet, from) => void this.#take(packet, from))
    // The loss of the router is detected on its connection.
    datagrams.on('error', () => undefined)
    void control.line().then(
      () => this.#end(unavailable('the router sent an unexpected message')),
      (error: unknown) => this.#end(asError(error)),
    )
  }

  async send(data: Uint8Array, target: Target): Promise<void> {
    const host = destinationOf(target)
    if (data.length > longest)
      throw invalid(`a datagram of ${data.length} bytes is too long: I2P carries up to ${longest}`)
    if (this.#over) throw unavailable('the association for datagrams is closed')
    const destination = isDestination(host) ? host : await this.#destinationOf(host, target)
    const { datagrams, relay, id } = this.#parts
    const packet = Buffer.concat([Buffer.from(`3.0 ${id} ${destination}\n`), data])
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (this.#over) throw unavailable('the association for datagrams is closed')
    datagrams.send(packet, relay.port, relay.host, (error) => {
      if (error) reject(unavailable(`the datagram could not be sent: ${error.message}`))
      else resolve()
    })
    await promise
  }

  close(): void {
    this.#end()
  }

  [Symbol.dispose](): void {
    this.#end()
  }

  async #destinationOf(host: string, target: Target): Promise<string> {
    const { route } = this.#parts
    const known = this.#known.get(host)
    if (known) return known
    const text = formatTarget(target)
    const found = lookUp(route, host, {}, new Failures(route.overlay, `a datagram to ${text}`, text))
    this.#known.set(host, found)
    found.catch(() => this.#known.delete(host))
    return found
  }

  /**
   * Parses a datagram: the sender in the first line (from SAM 3.2 on followed by ports), then the data. Other forms are
   * dropped.
   */
  async #take(packet: Buffer, { address }: RemoteInfo): Promise<void> {
    const at = packet.indexOf(newline)
    const [destination = ''] = packet.toString('latin1', 0, Math.max(at, 0)).split(' ')
    if (!isDestination(destination) || !this.#fromRouter(address)) return
    const host = await addressName(destination)
    this.#known.set(host, Promise.resolve(destination))
    if (!this.#over) this.emit('message', packet.subarray(at + 1), { host, port: anyPort })
  }

  #fromRouter(address: string): boolean {
    const { relay } = this.#parts
    return address === relay.host || (isLoopback(address) && isLoopback(relay.host))
  }

  #end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#parts.control.close()
    this.#parts.datagrams.close()
    this.emit('close', error)
  }
}
