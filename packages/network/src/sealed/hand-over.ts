/**
 * Connections that one thread opens and another uses. What travels is the native handle of TCP: the socket around it stays behind, with
 * what it had read already.
 */
import { invalid, unavailable } from '@troupe/core'
import { Socket } from 'node:net'
import { release } from '../guard/release.ts'

/** A connection on its way between threads: post it with `handle` in the list of what is transferred. */
export interface Handed {
  readonly handle: object
  /** What the far end said already. */
  readonly rest?: Uint8Array
}

/**
 * Takes a connection out of the socket that dialled it, which is of no use afterwards.
 *
 * @throws TroupeError `Unavailable` when it was closed meanwhile, `Invalid` for a connection that cannot change its thread.
 */
export function handOver(socket: Socket): Handed {
  const { handle, rest } = release(socket)
  if (handle.constructor.name === 'TCP') return { handle, ...(rest && { rest }) }
  const close: unknown = Reflect.get(handle, 'close')
  if (typeof close === 'function') Reflect.apply(close, handle, [])
  throw invalid('a connection that goes by a Unix socket cannot be handed to a sealed host')
}

/** The connection as a socket of this thread: plain, unread, without listeners. Its events come in the context of whoever calls this. */
export function takeOver({ handle, rest }: Handed): Socket {
  // It was made where no frame is in force, when the message was read that brought it.
  const reset: unknown = Reflect.get(handle, 'asyncReset')
  if (typeof reset === 'function') Reflect.apply(reset, handle, [handle])
  const socket: unknown = Reflect.construct(Socket, [{ handle }])
  if (!(socket instanceof Socket)) throw unavailable('what was handed over is no connection')
  if (rest !== undefined) socket.push(rest)
  return socket
}
