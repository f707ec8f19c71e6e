/**
 * The one choke point of TCP and TLS: `net.Socket.prototype.connect`. In an overlay the socket connects to nothing by itself; a
 * connection is dialled for it, and its handle is swapped in. Whoever holds the socket sees what a plain one shows.
 */
import { currentSlot, type EntryId, runInSlot } from '@troupe/core'
import { BlockList, isIP, Socket } from 'node:net'
import type { Target } from '../overlay.ts'
import { adopt } from './adopt.ts'
import { bindSocket } from './bound-sockets.ts'
import { asConnectError } from './connect-error.ts'
import { type ConnectCall, readConnect } from './connect-options.ts'
import { coverDispatchers } from './fetch.ts'
import { fakeAddresses, isFakeAddress } from './fake-addresses.ts'
import { networkInForce } from './in-force.ts'
import { handleOf, property } from './internals.ts'
import { takePermit } from './permit.ts'
import { lostContext, refusedIn, standsFor } from './refusal.ts'
import { open } from './routes.ts'
import { stampIn } from './stamp.ts'
import { willConnect } from './waiting-handles.ts'
import { type Callable, isCallable, replaceMethod } from './wrap.ts'

/** Node resolves no literal address, and no packet ever goes to this one. */
const placeholder = '0.0.0.1'

export function guardSockets(): void {
  replaceMethod(Socket.prototype, 'connect', (original, socket, args) => {
    return socket instanceof Socket ? connect(socket, args, original) : Reflect.apply(original, socket, args)
  })
}

function connect(socket: Socket, args: readonly unknown[], original: Callable): unknown {
  if (takePermit(socket)) return Reflect.apply(original, socket, args)
  const call = readConnect(args)
  const stamp = stampIn(call.options)
  if (stamp !== undefined && stamp.slot !== currentSlot()) return runInSlot(stamp.slot, () => choose(socket, args, call, original))
  return choose(socket, args, call, original)
}

function choose(socket: Socket, args: readonly unknown[], call: ConnectCall, original: Callable): unknown {
  const network = networkInForce()
  if (network === undefined) return destroyed(socket, lostContext('net.Socket.connect'))
  const { host } = call.options
  const name = typeof host === 'string' && isFakeAddress(host) ? fakeAddresses.nameOf(host) : undefined
  coverDispatchers()
  bindSocket(socket, network)
  if (network !== null) return connectThrough(socket, network, call, name, original)
  if (name !== undefined) return destroyed(socket, standsFor(String(host), name))
  const { path } = call.options
  willConnect(socket, [path, host].find((place) => typeof place === 'string' && place !== '') ?? 'localhost')
  return Reflect.apply(original, socket, args)
}

/** As a failed connection does; a socket that was closed before has no `error` event left. */
function destroyed(socket: Socket, error: Error): Socket {
  if (socket.destroyed) throw error
  return socket.destroy(error)
}

function connectThrough(socket: Socket, overlay: EntryId, call: ConnectCall, name: string | undefined, original: Callable): unknown {
  const { options, callback } = call
  const error = unsupported(overlay, options)
  if (error !== undefined) return destroyed(socket, error)
  const host = name ?? (typeof options['host'] === 'string' && options['host'] !== '' ? options['host'] : 'localhost')
  const literal = isIP(host) !== 0
  // Its own address, resolver and race between families mean nothing beyond this machine.
  const local = { localAddress: undefined, localPort: undefined, lookup: undefined, autoSelectFamily: false }
  const waits = property(property(socket, '_parent'), 'connecting') === true
  const result: unknown = Reflect.apply(original, socket, [{ ...options, ...local, host: literal ? host : placeholder }, callback])
  const handle = handleOf(socket)
  // A TLS socket over one that connects itself has nothing to do but wait.
  if (waits || !socket.connecting || handle === undefined) return result
  const target = { host, port: Number(options['port']) }
  takeOver(innermost(handle), (request) => void carry(socket, overlay, target, request))
  return result
}

function unsupported(overlay: EntryId, { path, blockList }: ConnectCall['options']): Error | undefined {
  if (typeof path === 'string' && path !== '') return refusedIn(overlay, 'a Unix socket (net.Socket.connect)')
  if (BlockList.isBlockList(blockList)) return refusedIn(overlay, 'net.Socket.connect with a blockList', noBlockList)
  return undefined
}

const noBlockList = 'Names are resolved at its far end, out of the list’s sight: leave the list out, and forbid addresses at the proxy'

/** TLS wraps the handle of TCP, which is the one that connects. */
function innermost(handle: object): object {
  const parent = property(handle, '_parent')
  return typeof parent === 'object' && parent !== null ? parent : handle
}

/** Node calls one of these in the turn after `connect`. */
function takeOver(handle: object, start: (request: object) => void): void {
  const connect = (request: object) => {
    start(request)
    return 0
  }
  Object.assign(handle, { connect, connect6: connect })
}

async function carry(socket: Socket, overlay: EntryId, target: Target, request: object): Promise<void> {
  const closing = new AbortController()
  const stop = () => closing.abort()
  socket.once('close', stop)
  try {
    const dialled = await open(overlay, target, closing.signal)
    if (socket.destroyed) dialled.destroy()
    else adopt(socket, dialled, target)
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
