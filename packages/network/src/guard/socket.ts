/**
 * The one choke point of TCP and TLS: `net.Socket.prototype.connect`. In an overlay the socket connects to nothing by itself; a
 * connection is dialled for it, and its handle is swapped in. Whoever holds the socket sees what a plain one shows.
 */
import { currentSlot, type EntryId, runInSlot } from '@troupe/core'
import { BlockList, isIP, Socket } from 'node:net'
import type { Target } from '../overlay.ts'
import { isSealed } from '../sealed/sealed.ts'
import { bindSocket } from './bound-sockets.ts'
import { connectBy, placeholder } from './carry.ts'
import { type ConnectCall, readConnect } from './connect-options.ts'
import { coverDispatchers } from './fetch.ts'
import { fakeAddresses, isFakeAddress } from './fake-addresses.ts'
import { networkInForce } from './in-force.ts'
import { connectByKernel } from './kernel-socket.ts'
import { takePermit } from './permit.ts'
import { lostContext, refusedIn, standsFor } from './refusal.ts'
import { open } from './routes.ts'
import { stampIn } from './stamp.ts'
import { willConnect } from './waiting-handles.ts'
import { type Callable, replaceMethod } from './wrap.ts'

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
  if (isSealed()) return connectByKernel(socket, call, original)
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
  const { options } = call
  const error = unsupported(overlay, options)
  if (error !== undefined) return destroyed(socket, error)
  const host = name ?? (typeof options['host'] === 'string' && options['host'] !== '' ? options['host'] : 'localhost')
  const literal = isIP(host) !== 0
  // Its own address, resolver and race between families mean nothing beyond this machine.
  const local = { localAddress: undefined, localPort: undefined, lookup: undefined, autoSelectFamily: false }
  const target = { host, port: Number(options['port']) }
  const way = { target: () => target, peer: target, open: async (_target: Target, signal: AbortSignal) => open(overlay, target, signal) }
  return connectBy(socket, call, { ...options, ...local, host: literal ? host : placeholder }, way, original)
}

function unsupported(overlay: EntryId, { path, blockList }: ConnectCall['options']): Error | undefined {
  if (typeof path === 'string' && path !== '') return refusedIn(overlay, 'a Unix socket (net.Socket.connect)')
  if (BlockList.isBlockList(blockList)) return refusedIn(overlay, 'net.Socket.connect with a blockList', noBlockList)
  return undefined
}

const noBlockList = 'Names are resolved at its far end, out of the list’s sight: leave the list out, and forbid addresses at the proxy'
