/** Native handles that wait for leave before they connect: below all of Node's own code, so that names are resolved and the address known. */
import type { Socket } from 'node:net'
import { innermost } from './carry.ts'
import { consentToConnect, isAsking } from './consent.ts'
import { internals, property } from './internals.ts'
import { refuseFakeAddress } from './real-host.ts'
import { type Callable, isCallable } from './wrap.ts'

/** Hosts that sockets were told to connect to, in the words of who told them. */
const hosts = new WeakMap<object, string>()
/** Sockets about which nobody is asked. */
const free = new WeakSet<object>()
/** What is known of sockets that were told to connect to an address which may stand for a name. */
const standIns = new WeakMap<object, Promise<void>>()

/** Notes where a socket in the clear is to connect. */
export function willConnect(socket: Socket, host: string): void {
  if (isAsking()) {
    hosts.set(socket, host)
    free.delete(socket)
  } else free.add(socket)
  const refused = refuseFakeAddress(host)
  if (refused === undefined) return
  refused.catch(() => undefined)
  standIns.set(socket, refused)
}

/**
 * Has `handle` connect once that is allowed; the answer is that of a native `connect`. A refusal is the error of the socket.
 *
 * @param args - Of the native method: the request, then address and port, or a path.
 */
export function connectWithLeave(handle: object, args: readonly unknown[], original: Callable): unknown {
  const socket = property(handle, internals().owner)
  if (typeof socket !== 'object' || socket === null) return Reflect.apply(original, handle, args)
  const [request, address, port] = args
  const asked = leaveFor(socket, String(address), typeof port === 'number' ? port : undefined)
  if (asked === undefined) return Reflect.apply(original, handle, args)
  // The socket may have been destroyed since, and connected again, by another handle.
  const isCurrent = () => {
    const current = property(socket, '_handle')
    return typeof current === 'object' && current !== null && innermost(current) === handle
  }
  asked.then(
    () => {
      if (!isCurrent()) return
      const status = Reflect.apply(original, handle, args)
      const finish = property(request, 'oncomplete')
      if (status !== 0 && isCallable(finish)) Reflect.apply(finish, request, [status, handle, request, true, true])
    },
    (error: unknown) => {
      const destroy = property(socket, 'destroy')
      if (isCurrent() && isCallable(destroy)) Reflect.apply(destroy, socket, [error])
    },
  )
  return 0
}

function leaveFor(socket: object, address: string, port: number | undefined): Promise<void> | undefined {
  const real = standIns.get(socket)
  standIns.delete(socket)
  const ask = () => (free.has(socket) ? undefined : consentToConnect(hosts.get(socket) ?? address, address, port))
  return real === undefined ? ask() : real.then(ask)
}
