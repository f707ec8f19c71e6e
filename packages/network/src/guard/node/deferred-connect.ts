/**
 * Native handles that wait for permission before they connect. This is below all of Node's own code, so names are
 * already resolved and the address is known.
 */
import type { Socket } from 'node:net'
import { checkConnect, isAsking, isOrdinary, pathAsked } from '../../sockets/socket-permission.ts'
import { mayStandForName } from '../dns/fake-addresses.ts'
import { innermost, internals, property } from '../../sockets/internals.ts'
import { isDialling } from '../../sockets/own-sockets.ts'
import { refuseFakeAddress } from '../dns/real-host.ts'
import { type Callable, isCallable } from './patch.ts'

/** The target of a `connect` call. */
class ConnectOptions {
  /** As the caller wrote it. */
  readonly host: string
  /** Whether policies apply to it. */
  readonly asks: boolean

  constructor(host: string) {
    this.host = host
    this.asks = isAsking()
  }
}

/** Stored on the socket and not in a map, because every connection has one. */
const connectOptions = Symbol('troupe.connectOptions')

/** Records the target of a socket in the clear network. */
export function willConnect(socket: Socket, host: string): void {
  Reflect.set(socket, connectOptions, new ConnectOptions(host))
}

/**
 * Makes `handle` connect once that is allowed; returns like a native `connect`. A refusal is emitted as the error of
 * the socket.
 *
 * @param args - Arguments of the native method: the request, then address and port, or a path.
 */
export function connectWhenAllowed(handle: object, args: readonly unknown[], original: Callable): unknown {
  const [request, place, port] = args
  // The common case.
  if (!mayStandForName(String(place)) && isOrdinary()) return Reflect.apply(original, handle, args)
  const isPath = typeof port !== 'number'
  const address = isPath ? pathAsked(String(place)) : String(place)
  const socket = property(handle, internals().owner)
  if (typeof socket !== 'object' || socket === null) return Reflect.apply(original, handle, args)
  const asked = permissionFor(socket, address, isPath ? undefined : port)
  if (asked === undefined) return Reflect.apply(original, handle, args)
  // The socket may have been destroyed since, and connected again with another handle.
  const isCurrent = () => {
    const current = property(socket, '_handle')
    return typeof current === 'object' && current !== null && innermost(current) === handle
  }
  asked.then(
    () => {
      if (!isCurrent()) return
      // Uses the resolved path, so that a symbolic link that changed since has no effect.
      const status = Reflect.apply(original, handle, isPath ? [request, address] : args)
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

function permissionFor(socket: object, address: string, port: number | undefined): Promise<void> | undefined {
  // The permission of the guard's own sockets was checked before.
  if (isDialling(socket)) return undefined
  const stored: unknown = Reflect.get(socket, connectOptions)
  // For a connection that bypassed the guard, only the address is known.
  const { host, asks } = stored instanceof ConnectOptions ? stored : { host: address, asks: true }
  const ask = () => (asks ? checkConnect(host, address, port) : undefined)
  const real = refuseFakeAddress(address)
  return real === undefined ? ask() : real.then(ask)
}
