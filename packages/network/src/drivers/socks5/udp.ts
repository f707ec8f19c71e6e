/** Datagrams through a proxy: UDP ASSOCIATE (RFC 1928 §7). */
import { invalid, unavailable } from '@troupe/core'
import type { Socket as DatagramSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { isIP, type Socket, SocketAddress } from 'node:net'
import type { Association, AssociationEvents } from '../../overlay/association.ts'
import type { SocksClient } from 'socks'
import type { AssociateOptions, Dial, Target } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { ownDatagrams } from '../../sockets/own-datagrams.ts'
import { sendRequest, type Granted } from './request.ts'
import { destinationOf } from '../target.ts'
import { Failures } from './errors.ts'
import { commands, decodeHost, hostLength } from './messages.ts'
import { proxiesOf } from './route.ts'

/**
 * The local address is not known yet (RFC 1928 §7: zeros). A proxy that listens on IPv6 only refuses zeros of IPv4, as
 * an address type that it does not support.
 */
const anywhere: Target = { host: '0.0.0.0', port: 0 }
const anywhereOfIpv6: Target = { host: '::', port: 0 }
const unspecified = new Set(['0.0.0.0', '::'])

/** @throws TroupeError `Invalid`, "not supported", for a proxy that carries no datagrams, or behind another overlay. */
export async function associate(route: Route, options: AssociateOptions, hop: Dial): Promise<Association> {
  const failures = new Failures(route.overlay, 'an association for datagrams', 'udp')
  if (options.port !== undefined) throw failures.unsupported('a proxy cannot bind a given port for datagrams').error
  const { via } = proxiesOf(route)
  if (via)
    throw failures.unsupported(`overlay ${via.overlay}, which leads to the proxy, carries only connections`).error
  // Imported here and not above, because threads that send no datagrams do not need it.
  const { SocksClient: framing } = await import('socks')
  const { socket, reply } = await sendRequest(
    route,
    { command: commands.associate, destination: anywhere, destinationOverIpv6: anywhereOfIpv6, failures },
    options,
    hop,
  )
  socket.on('error', () => {})
  try {
    const relay = { host: relayHost(reply, socket), port: reply.port }
    if (isIP(relay.host) === 0) throw failures.useless('the proxy reported no relay address for datagrams').error
    return new Socks5Association(socket, await connected(relay), framing)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Returns the relay address that the proxy reports; if that is "any", the address of the proxy itself. */
function relayHost({ addressType, address }: Granted['reply'], socket: Socket): string {
  const relayHost = decodeHost(addressType, address)
  return unspecified.has(relayHost) ? (socket.remoteAddress ?? '') : relayHost
}

/** Opens a datagram socket that receives from the relay only. */
async function connected({ host, port }: Target): Promise<DatagramSocket> {
  const datagrams = ownDatagrams(isIP(host) === 6 ? 'udp6' : 'udp4')
  const ready = once(datagrams, 'connect')
  datagrams.connect(port, host)
  try {
    await ready
    return datagrams
  } catch (error) {
    datagrams.close()
    throw error
  }
}

/** The headers of datagrams, which the `socks` package writes and reads. */
type Framing = Pick<typeof SocksClient, 'createUDPFrame' | 'parseUDPFrame'>

class Socks5Association extends EventEmitter<AssociationEvents> implements Association {
  readonly #control: Socket
  readonly #datagrams: DatagramSocket
  readonly #framing: Framing
  #over = false

  constructor(control: Socket, datagrams: DatagramSocket, framing: Framing) {
    super()
    this.#control = control.unref()
    this.#datagrams = datagrams.unref()
    this.#framing = framing
    datagrams.on('message', (packet) => this.#take(packet))
    // ICMP reports that a relay is gone; the control connection closes too.
    datagrams.on('error', () => {})
    // The association lives as long as its connection; data that the proxy sends on it has no meaning.
    control.resume().once('close', () => this.#end(unavailable('the proxy ended the association for datagrams')))
  }

  async send(data: Uint8Array, target: Target): Promise<void> {
    const remoteHost = destinationOf(target)
    if (this.#over) throw unavailable('the association for datagrams is closed')
    const packet = this.#framing.createUDPFrame({ remoteHost, data: Buffer.from(data) })
    await new Promise<void>((resolve, reject) => {
      this.#datagrams.send(packet, (error) => {
        if (error && 'code' in error && error.code === 'EMSGSIZE')
          reject(invalid(`a datagram of ${data.length} bytes is too long`))
        else if (error) reject(unavailable(`the datagram could not be sent: ${error.message}`))
        else resolve()
      })
    })
  }

  close(): void {
    this.#end()
  }

  [Symbol.dispose](): void {
    this.#end()
  }

  /** Drops fragments and malformed datagrams, as RFC 1928 §7 allows. */
  #take(packet: Buffer): void {
    const [, , fragment, type = 0, first = 0] = packet
    const length = hostLength(type, first)
    if (fragment !== 0 || length === undefined || packet.length < 4 + length + 2) return
    const { remoteHost, data } = this.#framing.parseUDPFrame(packet)
    this.emit('message', data, {
      host: type === 4 ? shortened(remoteHost.host) : remoteHost.host,
      port: remoteHost.port,
    })
  }

  #end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#control.destroy()
    this.#datagrams.close()
    this.emit('close', error)
  }
}

function shortened(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address
}
