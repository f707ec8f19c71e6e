/** Takes the native handle out of a socket. */
import { unavailable } from '@troupe/core'
import type { Socket } from 'node:net'
import { handleOf, property } from './internals.ts'
import { isCallable } from '../guard/node/patch.ts'

/**
 * Returns the handle of a socket that has no reader, stopped, and the data that had been read already. The socket is
 * unusable afterwards.
 */
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
