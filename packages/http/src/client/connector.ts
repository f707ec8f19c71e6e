/** Opens the connections of one pool: in the clear or through an overlay, with TLS on top where the URL asks for it. */
import net, { type Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { currentFrame, emptyFrame, fork, formatDuration, runInFrame, TroupeError } from '@troupe/core'
import { type DialOptions, dial, type Isolation, type Route, type Target } from '@troupe/network'
import { unasked } from '@troupe/network/driver'
import type { buildConnector } from 'undici'
import type { Tls } from './plan.ts'

/** How a connector gets a plain connection. */
export type Open = (target: Target, options: Required<Pick<DialOptions, 'signal' | 'timeout'>>) => Promise<Socket>

/**
 * Through the overlay: the name travels as a name. Connections are opened in whatever context the pool needs one, so it is said here
 * on whose behalf.
 */
export function throughOverlay(route: Route, isolation: Isolation): Open {
  return (target, options) => dial(route, target, { ...options, isolation })
}

/**
 * In the clear. A connection is opened when the pool needs one, in whatever context that happens: the frame says here that
 * the clear network was chosen, or the guard would see the frame of a bystander.
 */
export const inTheClear: Open = ({ host, port }, { signal, timeout }) =>
  runInFrame(fork(currentFrame() ?? emptyFrame, { overlay: null }), async () => {
    // About the request somebody was asked.
    const socket = unasked(() => net.connect({ host, port, signal }))
    return settled(socket, 'connect', timeout, `no connection to ${host}:${port} within ${formatDuration(timeout)}`)
  })

export interface ConnectorOptions {
  readonly open: Open
  readonly tls: Tls | undefined
  /** Milliseconds that somebody still waits for a connection that is opened now. */
  readonly patience: () => number
  /** Aborted when the pool is destroyed. */
  readonly signal: AbortSignal
}

/** A connector for undici. */
export function connectorOf({ open, tls, patience, signal }: ConnectorOptions): buildConnector.connector {
  const opened: Opened = async ({ hostname, port, protocol, servername }) => {
    const secure = protocol === 'https:'
    const target = { host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port) }
    const until = Date.now() + patience()
    const socket = await open(target, { signal, timeout: until - Date.now() })
    // From here on an error has somebody who hears it.
    socket.on('error', () => {})
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    if (!secure) return socket
    return secured(socket, tls?.serverName ?? servername ?? hostname, tls, Math.max(1, until - Date.now()))
  }
  return (wanted, done) => void answer(opened(wanted), done)
}

type Opened = (wanted: buildConnector.Options) => Promise<Socket>

async function answer(opened: Promise<Socket>, done: buildConnector.Callback): Promise<void> {
  let socket: Socket
  try {
    socket = await opened
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)), null)
    return
  }
  done(null, socket)
}

/**
 * TLS on a connection that stands (RFC 8446). Sessions are not resumed: a ticket would tie together connections that an
 * overlay keeps apart.
 */
async function secured(socket: Socket, name: string, options: Tls | undefined, timeout: number): Promise<TLSSocket> {
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
  const timer = setTimeout(() => socket.destroy(new TroupeError('Timeout', late)), Math.min(timeout, 2 ** 31 - 1))
  socket.once(ready, resolve).once('error', reject).once('close', closed)
  try {
    await promise
    return socket
  } finally {
    clearTimeout(timer)
    socket
      .off(ready, resolve)
      .off('error', reject)
      .off('close', closed)
      .on('error', () => {})
  }
}
