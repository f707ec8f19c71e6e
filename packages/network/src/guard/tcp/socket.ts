/**
 * The one choke point of TCP and TLS: `net.Socket.prototype.connect`. In an overlay the socket connects nothing itself;
 * a connection is dialled for it, and its handle is swapped in. The socket looks like a plain one.
 */
import { currentSlot, type EntryId, runInSlot } from '@troupe/core'
import { isIP, Socket } from 'node:net'
import { isSealed } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { connectBy } from './connect-through.ts'
import { asConnectError } from './connect-error.ts'
import { type ConnectCall, dialTimeout, readConnect } from './connect-options.ts'
import { isOrdinary, pathAsked } from '../../sockets/socket-permission.ts'
import { coverDispatchers } from '../pools/undici-dispatcher.ts'
import { allowedTargets, publishAllowed } from '../allowed-targets.ts'
import { isFakeAddress } from '../dns/fake-addresses.ts'
import { connectByKernel } from './kernel-connect.ts'
import { allowConnect, dropAllowance, takeAllowance } from '../../sockets/own-sockets.ts'
import { realHost, shownAddress } from '../dns/real-host.ts'
import { deniedIn, unbound } from '../errors.ts'
import { networkAccess } from '../../dial/network-access.ts'
import { dial } from '../../dial/dial.ts'
import { contextIn } from '../pools/connect-context.ts'
import { willConnect } from '../node/deferred-connect.ts'
import { type Callable, replaceFunction } from '../node/patch.ts'

/** Every connection calls it, so it is a plain function. */
export function guardSockets(): void {
  replaceFunction(Socket.prototype, 'connect', (original) => {
    return function connect(this: unknown, ...args: readonly unknown[]): unknown {
      if (!(this instanceof Socket)) return Reflect.apply(original, this, args)
      coverDispatchers()
      if (!isOrdinary()) return guarded(this, args, original)
      dropAllowance(this)
      return Reflect.apply(original, this, args)
    }
  })
}

function guarded(socket: Socket, args: readonly unknown[], original: Callable): unknown {
  const call = readConnect(args)
  const permitted = takeAllowance(socket, call)
  // A sealed thread opens nothing itself, not even for the HTTP client.
  if (permitted)
    return isSealed() ? connectByKernel(socket, call, original) : Reflect.apply(original, socket, permitted)
  const network = threadOverlay()
  if (network === undefined) return destroyed(socket, unbound('net.Socket.connect'))
  if (network !== null && isAllowed(call)) return connectAllowed(socket, call, original)
  if (network !== null) return connectThrough(socket, network, call, original)
  if (isSealed()) return connectByKernel(socket, call, original)
  const slot = contextIn(call.options)?.slot
  const connect = () => connectAsked(socket, args, call, original)
  return slot === undefined || slot === currentSlot() ? connect() : runInSlot(slot, connect)
}

/** Connects in the clear network, where policies apply. */
function connectAsked(socket: Socket, args: readonly unknown[], call: ConnectCall, original: Callable): unknown {
  const { path, host } = call.options
  const isNamed = (place: unknown): place is string => typeof place === 'string' && place !== ''
  willConnect(socket, isNamed(path) ? pathAsked(path) : isNamed(host) ? host : 'localhost')
  return Reflect.apply(original, socket, args)
}

/** Whether a target stays in the clear, in a program that runs in an overlay as a whole. */
function isAllowed({ options: { path, host } }: ConnectCall): boolean {
  const targets = allowedTargets()
  if (targets === undefined) return false
  if (typeof path === 'string' && path !== '') return targets.hasPath(path)
  return targets.hasHost(typeof host === 'string' && host !== '' ? host : 'localhost')
}

function connectAllowed(socket: Socket, { options, callback }: ConnectCall, original: Callable): unknown {
  const { path, host, port } = options
  allowConnect(socket)
  const name = typeof host === 'string' && host !== '' ? host : 'localhost'
  publishAllowed(typeof path === 'string' && path !== '' ? path : `${name}:${Number(port)}`)
  return Reflect.apply(original, socket, [options, callback])
}

/** Fails like a failed connection; a socket that was closed before emits no `error` event. */
function destroyed(socket: Socket, error: Error): Socket {
  if (socket.destroyed) throw error
  return socket.destroy(error)
}

function connectThrough(socket: Socket, overlay: EntryId, call: ConnectCall, original: Callable): unknown {
  const { path, host } = call.options
  if (typeof path === 'string' && path !== '')
    return destroyed(socket, deniedIn(overlay, 'a Unix socket (net.Socket.connect)'))
  const own = ownPlace(call.options)
  if (own !== undefined) return destroyed(socket, deniedIn(overlay, `net.Socket.connect with a ${own}`, noOwnPlace))
  if (typeof host === 'string') {
    try {
      realHost(host)
    } catch (error) {
      return destroyed(socket, asConnectError(error, { host, port: Number(call.options['port']) }))
    }
  }
  return connectBy(
    socket,
    call,
    {
      overlay,
      open: async (target, options) =>
        dial(await networkAccess().route(overlay), target, { ...options, timeout: dialTimeout }),
      unjudged: (address) =>
        isFakeAddress(address) ? deniedIn(overlay, 'net.Socket.connect with a blockList', noBlockList) : undefined,
      peerOf: shownAddress,
      nameOf: realHost,
    },
    original,
  )
}

const noOwnPlace = 'The overlay says from where its connections leave: leave it out'

/** Returns the local address or port that is requested, if any; Node itself refuses invalid ones. */
function ownPlace({ localAddress, localPort }: ConnectCall['options']): string | undefined {
  const isAny = localAddress === '0.0.0.0' || localAddress === '::'
  if (typeof localAddress === 'string' && isIP(localAddress) !== 0 && !isAny) return 'localAddress'
  return typeof localPort === 'number' && localPort !== 0 ? 'localPort' : undefined
}

const noBlockList =
  'Names are resolved at its far end, out of the list’s sight: leave the list out, and forbid addresses at the proxy'
