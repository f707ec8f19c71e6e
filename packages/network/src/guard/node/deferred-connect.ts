/** Native handles that wait for leave before they connect: below all of Node's own code, so that names are resolved and the address known. */
import type { Socket } from 'node:net'
import { innermost } from '../tcp/connect-through.ts'
import { checkConnect, isAsking, isOrdinary, pathAsked } from '../../sockets/socket-permission.ts'
import { mayStandForName } from '../dns/fake-addresses.ts'
import { internals, property } from '../../sockets/internals.ts'
import { isDialling } from '../../sockets/own-sockets.ts'
import { refuseFakeAddress } from '../dns/real-host.ts'
import { type Callable, isCallable } from './patch.ts'

/** Where a socket was told to connect to. */
class ConnectOptions {
  /** In the words of who told it. */
  readonly host: string
  /** Whether policies are asked about it. */
  readonly asks: boolean

  constructor(host: string) {
    this.host = host
    this.asks = isAsking()
  }
}

/** On sockets: every connection has one, so it is no entry of a map. */
const connectOptions = Symbol('troupe.errand')

/** Notes where a socket in the clear is to connect. */
export function willConnect(socket: Socket, host: string): void {
  Reflect.set(socket, connectOptions, new ConnectOptions(host))
}

/**
 * Has `handle` connect once that is allowed; the answer is that of a native `connect`. A refusal is the error of the socket.
 *
 * @param args - Of the native method: the request, then address and port, or a path.
 */
export function connectWhenAllowed(handle: object, args: readonly unknown[], original: Callable): unknown {
  const [request, place, port] = args
  // Nearly always.
  if (!mayStandForName(String(place)) && isOrdinary()) return Reflect.apply(original, handle, args)
  const isPath = typeof port !== 'number'
  const address = isPath ? pathAsked(String(place)) : String(place)
  const socket = property(handle, internals().owner)
  if (typeof socket !== 'object' || socket === null) return Reflect.apply(original, handle, args)
  const asked = permissionFor(socket, address, isPath ? undefined : port)
  if (asked === undefined) return Reflect.apply(original, handle, args)
  // The socket may have been destroyed since, and connected again, by another handle.
  const isCurrent = () => {
    const current = property(socket, '_handle')
    return typeof current === 'object' && current !== null && innermost(current) === handle
  }
  asked.then(
    () => {
      if (!isCurrent()) return
      // A link that leads elsewhere by now does not count.
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
  // One of the guard's own was asked about before, if anybody was.
  if (isDialling(socket)) return undefined
  const told: unknown = Reflect.get(socket, connectOptions)
  // Of one that came past the guard no more is known than the address.
  const { host, asks } = told instanceof ConnectOptions ? told : { host: address, asks: true }
  const ask = () => (asks ? checkConnect(host, address, port) : undefined)
  const real = refuseFakeAddress(address)
  return real === undefined ? ask() : real.then(ask)
}
