/** The peer of a connection that arrived through an overlay. */
import type { Socket } from 'node:net'
import { property } from '../sockets/internals.ts'
import type { Peer } from '../overlay/overlay.ts'

const peers = new WeakMap<object, Peer>()

/** Records the peer of the connection of `socket`. */
export function setPeer(socket: Socket, peer: Peer): void {
  peers.set(socket, Object.freeze(peer))
  Object.defineProperty(socket, 'peer', { value: peers.get(socket), enumerable: true })
}

/**
 * Returns the peer of the connection, as the overlay reports it; `undefined` for one that did not arrive through an
 * overlay. A TLS socket over such a connection has the same peer.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:net'
 *
 * const server = createServer()
 * server.on('connection', (socket) => log.info({ ...peerOf(socket) }, 'a connection'))
 * ```
 */
export function peerOf(socket: Socket): Peer | undefined {
  const known = peers.get(socket)
  if (known !== undefined) return known
  const parent = property(socket, '_parent')
  return typeof parent === 'object' && parent !== null ? peers.get(parent) : undefined
}
