/** Native handles that wait for leave before they connect: below all of Node's own code, so that names are resolved and the address known. */
import type { Socket } from 'node:net'
import { consentToConnect, isAsking } from './consent.ts'
import { internals, property } from './internals.ts'
import { type Callable, isCallable } from './wrap.ts'

/** Hosts that sockets were told to connect to, in the words of who told them. */
const hosts = new WeakMap<object, string>()
/** Sockets about which nobody is asked. */
const free = new WeakSet<object>()

/** Notes where a socket in the clear is to connect. */
export function willConnect(socket: Socket, host: unknown): void {
  if (isAsking()) hosts.set(socket, String(host))
  else free.add(socket)
}

/**
 * Has `handle` connect once that is allowed; the answer is that of a native `connect`. A refusal is the error of the socket.
 *
 * @param args - Of the native method: the request, then address and port, or a path.
 */
export function connectWithLeave(handle: object, args: readonly unknown[], original: Callable): unknown {
  const socket = property(handle, internals().owner)
  if (typeof socket !== 'object' || socket === null || free.has(socket)) return Reflect.apply(original, handle, args)
  const [request, address, port] = args
  const asked = consentToConnect(hosts.get(socket) ?? String(address), String(address), typeof port === 'number' ? port : undefined)
  if (asked === undefined) return Reflect.apply(original, handle, args)
  asked.then(
    () => {
      if (property(socket, 'destroyed') === true) return
      const status = Reflect.apply(original, handle, args)
      const finish = property(request, 'oncomplete')
      if (status !== 0 && isCallable(finish)) Reflect.apply(finish, request, [status, handle, request, true, true])
    },
    (error: unknown) => {
      const destroy = property(socket, 'destroy')
      if (isCallable(destroy)) Reflect.apply(destroy, socket, [error])
    },
  )
  return 0
}
