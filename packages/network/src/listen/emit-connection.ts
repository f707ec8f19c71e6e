/** Delivers a connection that an overlay accepted to a `net.Server`, as Node delivers its own. */
import type { Server, Socket } from 'node:net'
import { handleOf, property } from '../sockets/internals.ts'
import type { Accepted, Target } from '../overlay/overlay.ts'
import { fillAddress } from './overlay-handle.ts'
import { setPeer } from './peer.ts'

/** Emits `connection` on `server`, or drops the connection where the server accepts no more. */
export function emitConnection(server: Server, { socket, peer }: Accepted, local: Target): void {
  const handle = handleOf(socket)
  // The connection has already ended.
  if (handle === undefined) return
  const present = Number(property(server, '_connections'))
  if (server.maxConnections > 0 && present >= server.maxConnections) {
    socket.destroy()
    server.emit('drop', {
      localAddress: local.host,
      localPort: local.port,
      remoteAddress: peer.address,
      remotePort: peer.port,
    })
    return
  }
  // Node calls methods of the handle, also when TLS wraps it.
  Object.assign(handle, {
    getpeername: (out: object) => fillAddress(out, peer.address, peer.port),
    getsockname: (out: object) => fillAddress(out, local.host, local.port),
  })
  setPeer(socket, peer)
  adoptBy(server, socket)
  Reflect.set(server, '_connections', present + 1)
  server.emit('connection', socket)
}

/** Sets the fields of Node's own accepted sockets: through `_server` Node decrements the count of open connections. */
function adoptBy(server: Server, socket: Socket): void {
  Object.assign(socket, { server, _server: server, allowHalfOpen: property(server, 'allowHalfOpen') === true })
  if (property(server, 'noDelay') === true) socket.setNoDelay()
  if (property(server, 'pauseOnConnect') === true) socket.pause()
}
