/** Opens connections: in the clear, through an overlay, or to a Unix socket, with TLS if the URL requires it. */
import { randomUUID } from 'node:crypto'
import net, { type Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { formatDuration, startDeadline, stopTimer, TroupeError } from '@troupe/core'
import { type DialOptions, dial, type Isolation, type Route, type Target } from '@troupe/network'
import { connectOutside, isIsolated } from '@troupe/network/driver'
import { type PermitAddress, permittedLookup } from '../request/private-address.ts'
import type { Tls } from '../request/options-schema.ts'

/** Opens a plain connection for a pool. */
export type Open = (target: Target, options: OpenOptions) => Promise<Socket>

/**
 * The TLS sessions of an origin, by the name that the certificate was checked for: Node does not check it again for a
 * resumed session.
 */
export interface Sessions {
  get(name: string): Buffer | undefined
  set(name: string, session: Buffer): void
}

export interface OpenOptions extends Required<Pick<DialOptions, 'signal' | 'timeout'>> {
  readonly permit: PermitAddress
}

/**
 * Opens connections through the overlay. Names are sent as names, and nothing is looked up, not even for a check. A
 * pool opens connections in any context, so the isolation is passed explicitly. `fresh` gives each connection an
 * isolation key of its own.
 */
export function throughOverlay(route: Route, isolation: Isolation, fresh: boolean): Open {
  return (target, { signal, timeout }) =>
    dial(route, target, {
      signal,
      timeout,
      isolation: fresh ? { ...isolation, key: `fresh ${randomUUID()}` } : isolation,
    })
}

/** Opens connections in the clear, to an address that is allowed. */
export const inTheClear: Open = ({ host, port }, { signal, timeout, permit }) =>
  direct({ host, port, signal, lookup: permittedLookup(permit) }, `${host}:${port}`, timeout)

/** Connects to a Unix socket, whatever the URL's host is. */
export function toUnixSocket(path: string): Open {
  return (_target, { signal, timeout }) => direct({ path, signal }, path, timeout)
}

/** Connects past the guard for this client: permission for the request and the address was already checked. */
async function direct(
  options: net.NetConnectOpts & { signal: AbortSignal },
  where: string,
  timeout: number,
): Promise<Socket> {
  return settled(
    await connectOutside(options),
    'connect',
    timeout,
    `no connection to ${where} within ${formatDuration(timeout)}`,
  )
}

/**
 * Opens TLS on an established connection (RFC 8446).
 *
 * @param sessions - Of the pool. They are not used on connections that an overlay keeps apart, which a ticket would
 *   link.
 */
export async function secured(
  socket: Socket,
  name: string,
  options: Tls | undefined,
  timeout: number,
  sessions?: Sessions,
): Promise<TLSSocket> {
  const session = sessions === undefined || isIsolated(socket) ? undefined : sessions.get(name)
  const wrapped = tls.connect({
    socket,
    host: name,
    // An address is not a valid server name (RFC 6066 §3); `host` still makes TLS verify it.
    ...(net.isIP(name) === 0 && { servername: name }),
    ALPNProtocols: ['http/1.1', 'h2'],
    ...(session && { session }),
    rejectUnauthorized: options?.insecureSkipVerify !== true,
    ...(options?.cert !== undefined && options.key !== undefined && { cert: pem(options.cert), key: pem(options.key) }),
    ...(options?.ca !== undefined && { ca: Array.isArray(options.ca) ? options.ca.map(pem) : pem(options.ca) }),
  })
  if (sessions !== undefined && !isIsolated(socket)) wrapped.on('session', (ticket) => sessions.set(name, ticket))
  return settled(wrapped, 'secureConnect', timeout, `no TLS handshake with ${name} within ${formatDuration(timeout)}`)
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}

/** Returns the socket after its event `ready`; destroys it when that event does not come in time. */
async function settled<S extends Socket>(
  socket: S,
  ready: 'connect' | 'secureConnect',
  timeout: number,
  late: string,
): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const closed = () => reject(new TroupeError('Unavailable', 'the connection was closed before it was established'))
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
