/**
 * A connection of the tailnet arrives on a Unix socket, which has no addresses: the socket gets the connection's
 * tailnet addresses.
 */
import { isIPv6, type Socket } from 'node:net'
import { handleOf } from '../../sockets/internals.ts'
import type { Fields } from './json-line.ts'

/** Addresses with ports, such as `100.64.0.1:80`, `[fd7a::1]:80`. */
export interface Ends {
  readonly local: string
  readonly remote: string
}

/** Returns the ends of a connection, from a reply or a header. */
export function readEnds({ local, remote }: Fields): Ends | undefined {
  return typeof local === 'string' && typeof remote === 'string' ? { local, remote } : undefined
}

interface SocketName {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

/**
 * Sets `remoteAddress`, `localAddress` and the related properties of `socket`, also for later sockets that its handle
 * is moved into.
 */
export function showAddresses(socket: Socket, { local, remote }: Ends): Socket {
  const handle = handleOf(socket)
  if (handle === undefined) return socket
  for (const [method, text] of [
    ['getsockname', local],
    ['getpeername', remote],
  ] as const) {
    const name = parseAddress(text)
    if (name === undefined) continue
    Reflect.set(handle, method, (out: object) => {
      Object.assign(out, name)
      return 0
    })
  }
  return socket
}

/** Splits an address with a port; `undefined` if `text` is none. */
export function parseAddress(text: string): SocketName | undefined {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([^:]+)):(\d+)$/i.exec(text) ?? []
  const address = bracketed ?? plain
  if (address === undefined) return undefined
  return { address, port: Number(port), family: isIPv6(address) ? 'IPv6' : 'IPv4' }
}
