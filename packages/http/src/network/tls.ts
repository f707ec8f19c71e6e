/** TLS on connections through a network. */
import { TroupeError, withDeadline } from '@troupe/core'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'

/** Milliseconds for a handshake. */
const patience = 30_000

/** Options of TLS, under Node's own names. */
export type TlsSettings = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>

/** Returns TLS over `socket`; its handshake is not complete. */
export function overTls(socket: Socket, host: string, options: ConnectionOptions): TLSSocket {
  // An address is not a valid server name (RFC 6066 §3); `host` still makes TLS verify it.
  return connect({ ...options, host, socket, ...(isIP(host) === 0 && { servername: host }) })
}

/** Returns TLS over `socket` once its handshake is complete. @throws the error of the handshake; `Timeout` */
export async function handshaken(socket: Socket, host: string, options: ConnectionOptions): Promise<TLSSocket> {
  const secure = overTls(socket, host, options)
  const late = () => new TroupeError('Timeout', `no TLS handshake with ${host} within ${patience} ms`)
  try {
    await withDeadline(once(secure, 'secureConnect'), patience, late)
    return secure
  } catch (error) {
    secure.on('error', () => undefined).destroy()
    throw error
  }
}
