/**
 * Connections that one thread opens and another uses. What travels is the native handle of TCP: the socket around it stays behind, with
 * what it had read already.
 */
import { unavailable } from '@troupe/core'
import { Socket } from 'node:net'
import type { SocketHandoff } from './handed-socket.ts'
import { handleOf, internals } from '../sockets/internals.ts'
import { detachHandle } from '../sockets/detach-handle.ts'
import { bridge } from './loopback-bridge.ts'

/**
 * Takes a connection out of the socket that dialled it, which is of no use afterwards. What goes by a Unix socket, which cannot change its
 * thread, is bridged.
 *
 * @throws TroupeError `Unavailable` when it was closed meanwhile.
 */
export async function handOver(socket: Socket): Promise<SocketHandoff> {
  const isTcp = Object.getPrototypeOf(handleOf(socket) ?? {}) === internals().handles.tcp
  const { handle, rest } = detachHandle(isTcp || socket.destroyed ? socket : await bridge(socket))
  return { handle, ...(rest && { rest }) }
}

/** The connection as a socket of this thread: plain, unread, without listeners. Its events come in the context of whoever calls this. */
export function takeOver({ handle, rest }: SocketHandoff): Socket {
  // It was made where no frame is in force, when the message was read that brought it.
  const reset: unknown = Reflect.get(handle, 'asyncReset')
  if (typeof reset === 'function') Reflect.apply(reset, handle, [handle])
  const socket: unknown = Reflect.construct(Socket, [{ handle }])
  if (!(socket instanceof Socket)) throw unavailable('what was handed over is no connection')
  if (rest !== undefined) socket.push(rest)
  return socket
}
