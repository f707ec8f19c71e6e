/** A connection of the tailnet arrives on a Unix socket, which has no addresses: it is given those that it has in the tailnet. */
import { isIPv6, type Socket } from 'node:net'
import { handleOf } from '../../sockets/internals.ts'
import type { Fields } from './json-line.ts'

/** An address and a port, in one text: `100.64.0.1:80`, `[fd7a::1]:80`. */
export interface Ends {
  readonly local: string
  readonly remote: string
}

/** The ends of a connection, in an answer or a header. */
export function readEnds({ local, remote }: Fields): Ends | undefined {
  return typeof local === 'string' && typeof remote === 'string' ? { local, remote } : undefined
}

interface SocketName {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

/** What `remoteAddress`, `localAddress` and the like of `socket` tell from now on, whichever socket its handle is moved into. */
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

/** The two parts of an address with a port; `undefined` for what is none. */
export function parseAddress(text: string): SocketName | undefined {
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.]+)\]|([^:]+)):(\d+)$/i.exec(text) ?? []
  const address = bracketed ?? plain
  if (address === undefined) return undefined
  return { address, port: Number(port), family: isIPv6(address) ? 'IPv6' : 'IPv4' }
}
