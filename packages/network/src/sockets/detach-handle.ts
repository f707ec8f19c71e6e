/** Takes the native handle out of a socket. */
import { unavailable } from '@troupe/core'
import type { Socket } from 'node:net'
import { handleOf, property } from './internals.ts'
import { isCallable } from '../guard/node/patch.ts'

/** The handle of a socket that nobody reads from, stopped, and what had been read from it already. The socket is of no use afterwards. */
export function detachHandle(socket: Socket): { readonly handle: object; readonly rest: Buffer | undefined } {
  const rest: unknown = socket.read()
  const handle = handleOf(socket)
  if (handle === undefined) throw unavailable('the connection was closed before it could be used')
  const stop = property(handle, 'readStop')
  if (isCallable(stop)) Reflect.apply(stop, handle, [])
  Reflect.set(handle, 'reading', false)
  Reflect.set(socket, '_handle', null)
  socket.removeAllListeners().destroy()
  return { handle, rest: Buffer.isBuffer(rest) ? rest : undefined }
}
