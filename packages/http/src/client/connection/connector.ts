/** Opens connections: in the clear, through an overlay, or to a Unix socket, with TLS on top where the URL asks for it. */
import { randomUUID } from 'node:crypto'
import net, { type Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { formatDuration, startDeadline, stopTimer, TroupeError } from '@troupe/core'
import { type DialOptions, dial, type Isolation, type Route, type Target } from '@troupe/network'
import { connectOutside } from '@troupe/network/driver'
import { type PermitAddress, permittedLookup } from '../request/private-address.ts'
import type { Tls } from '../request/options-schema.ts'

/** How a pool gets a plain connection. */
export type Open = (target: Target, options: OpenOptions) => Promise<Socket>

export interface OpenOptions extends Required<Pick<DialOptions, 'signal' | 'timeout'>> {
  readonly permit: PermitAddress
}

/**
 * Through the overlay: the name travels as a name, and nothing is looked up, not even for a check. Connections are opened in whatever
 * context the pool needs one, so it is said here on whose behalf; `fresh`: on nobody's, each with a key of its own.
 */
export function throughOverlay(route: Route, isolation: Isolation, fresh: boolean): Open {
  return (target, { signal, timeout }) =>
    dial(route, target, { signal, timeout, isolation: fresh ? { ...isolation, key: `fresh ${randomUUID()}` } : isolation })
}

/** In the clear, to an address that may be dialled. */
export const inTheClear: Open = ({ host, port }, { signal, timeout, permit }) =>
  direct({ host, port, signal, lookup: permittedLookup(permit) }, `${host}:${port}`, timeout)

/** To a Unix socket, whatever the URL's host is. */
export function toUnixSocket(path: string): Open {
  return (_target, { signal, timeout }) => direct({ path, signal }, path, timeout)
}

/** By the guard's door for this client: about the request, and the address, somebody was asked. */
async function direct(options: net.NetConnectOpts & { signal: AbortSignal }, where: string, timeout: number): Promise<Socket> {
  return settled(await connectOutside(options), 'connect', timeout, `no connection to ${where} within ${formatDuration(timeout)}`)
}

/**
 * TLS on a connection that stands (RFC 8446). Sessions are not resumed: a ticket would tie together connections that an
 * overlay keeps apart.
 */
export async function secured(socket: Socket, name: string, options: Tls | undefined, timeout: number): Promise<TLSSocket> {
  const wrapped = tls.connect({
    socket,
    host: name,
    // An address is no server name (RFC 6066 §3); `host` still has it verified.
    ...(net.isIP(name) === 0 && { servername: name }),
    ALPNProtocols: ['http/1.1', 'h2'],
    rejectUnauthorized: options?.insecureSkipVerify !== true,
    ...(options?.cert !== undefined && options.key !== undefined && { cert: pem(options.cert), key: pem(options.key) }),
    ...(options?.ca !== undefined && { ca: Array.isArray(options.ca) ? options.ca.map(pem) : pem(options.ca) }),
  })
  return settled(wrapped, 'secureConnect', timeout, `no TLS handshake with ${name} within ${formatDuration(timeout)}`)
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}

/** The socket once `ready` has come; destroyed when it does not come in time. */
async function settled<S extends Socket>(socket: S, ready: 'connect' | 'secureConnect', timeout: number, late: string): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const closed = () => reject(new TroupeError('Unavailable', 'the connection was closed before it stood'))
  const timer = startDeadline(() => socket.destroy(new TroupeError('Timeout', late)), timeout)
  socket.once(ready, resolve).once('error', reject).once('close', closed)
  try {
    await promise
    return socket
  } finally {
    stopTimer(timer)
    socket
      .off(ready, resolve)
      .off('error', reject)
      .off('close', closed)
      .on('error', () => {})
  }
}
