/**
 * Has a socket connect by a connection that is dialled for it: Node's own `connect` runs, but what it would ask of the native handle is
 * done here, and the handle is swapped. Whoever holds the socket sees what a plain one shows.
 */
import type { Socket } from 'node:net'
import type { Target } from '../overlay.ts'
import { adopt } from './adopt.ts'
import { asConnectError } from './connect-error.ts'
import type { ConnectCall } from './connect-options.ts'
import { handleOf, property } from './internals.ts'
import { type Callable, isCallable } from './wrap.ts'

/** Node resolves no literal address, and no packet ever goes to this one. */
export const placeholder = '0.0.0.1'

/** How a connection comes about. */
export interface Way {
  /** Where it leads, in errors too; `address` is what Node would have connected to. */
  target(address: string): Target
  open(target: Target, signal: AbortSignal): Promise<Socket>
  /** The far end that the socket is to show, where the connection does not know it. */
  readonly peer?: Target
}

/** Connects `socket` by `way`. @param given - Options for Node's own `connect`. */
export function connectBy(socket: Socket, { callback }: ConnectCall, given: object, way: Way, original: Callable): unknown {
  const waits = property(property(socket, '_parent'), 'connecting') === true
  const result: unknown = Reflect.apply(original, socket, [given, callback])
  const handle = handleOf(socket)
  // A TLS socket over one that connects itself has nothing to do but wait.
  if (!waits && socket.connecting && handle !== undefined) {
    takeOver(innermost(handle), (request, address) => void carry(socket, way, way.target(address), request))
  }
  return result
}

/** TLS wraps the handle of TCP, which is the one that connects. */
function innermost(handle: object): object {
  const parent = property(handle, '_parent')
  return typeof parent === 'object' && parent !== null ? parent : handle
}

/** Node calls one of these in a later turn. */
function takeOver(handle: object, start: (request: object, address: string) => void): void {
  const connect = (request: object, address: string) => {
    start(request, address)
    return 0
  }
  Object.assign(handle, { connect, connect6: connect })
}

async function carry(socket: Socket, way: Way, target: Target, request: object): Promise<void> {
  const closing = new AbortController()
  const stop = () => closing.abort()
  socket.once('close', stop)
  try {
    const dialled = await way.open(target, closing.signal)
    if (socket.destroyed) dialled.destroy()
    else adopt(socket, dialled, target, way.peer)
  } catch (error) {
    Reflect.set(socket, 'connecting', false)
    socket.destroy(asConnectError(error, target))
  } finally {
    socket.off('close', stop)
  }
  // Outside of this promise, so that what a listener throws is not taken for its failure.
  if (!socket.destroyed) process.nextTick(complete, socket, request)
}

function complete(socket: Socket, request: object): void {
  const finish = property(request, 'oncomplete')
  if (!socket.destroyed && isCallable(finish)) Reflect.apply(finish, request, [0, handleOf(socket), request, true, true])
}
