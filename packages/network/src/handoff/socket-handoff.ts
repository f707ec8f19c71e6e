/**
 * Connections that one thread opens and another uses. The native TCP handle moves; the socket around it stays behind,
 * with the data that it had read already.
 */
import { unavailable } from '@troupe/core'
import { Socket } from 'node:net'
import type { SocketHandoff } from './handed-socket.ts'
import { adoptContext, detachHandle, handleOf, internals } from '../sockets/internals.ts'
import { bridge } from './loopback-bridge.ts'

/**
 * Takes a connection out of the socket that dialled it, which is unusable afterwards. A connection over a Unix socket,
 * whose handle cannot move, is bridged.
 *
 * @throws TroupeError `Unavailable` when it was closed meanwhile.
 */
export async function handOver(socket: Socket): Promise<SocketHandoff> {
  const isTcp = Object.getPrototypeOf(handleOf(socket) ?? {}) === internals().handles.tcp
  const { handle, rest } = detachHandle(isTcp || socket.destroyed ? socket : await bridge(socket))
  return { handle, ...(rest && { rest }) }
}

/**
 * Returns the connection as a socket of this thread: plain, unread, without listeners. Its events run in the caller's
 * async context.
 */
export function takeOver({ handle, rest }: SocketHandoff): Socket {
  // The handle was created when its message was read, where no frame was active.
  adoptContext(handle)
  const socket: unknown = Reflect.construct(Socket, [{ handle }])
  if (!(socket instanceof Socket)) throw unavailable('the transferred handle is not a TCP connection')
  if (rest !== undefined) socket.push(rest)
  return socket
}
