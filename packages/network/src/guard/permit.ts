/**
 * Sockets of our own, which the guard lets connect: those to a proxy. A permit is for one `connect` and is used up by it,
 * so a socket that user code was handed cannot be pointed elsewhere. Beside this package, only drivers need it (`@troupe/network/driver`).
 */
import { lookup } from 'node:dns'
import { Socket, type TcpSocketConnectOpts } from 'node:net'

const permitted = new WeakSet<Socket>()
/** Those that are on their way, whose native handles may connect. */
const dialling = new WeakSet<object>()
const own = new WeakSet<object>()
/** Node's own, before anything was put in its place: a proxy that was given by name is found by the operating system. */
const systemLookup = lookup

/** A socket that is connecting to a place which the operator configured. */
export function connectPermitted(options: TcpSocketConnectOpts): Socket {
  const socket = new Socket()
  permitted.add(socket)
  own.add(socket)
  dialling.add(socket)
  socket.once('connect', () => dialling.delete(socket))
  return socket.setNoDelay().connect({ ...options, lookup: systemLookup })
}

/** Whether `socket` may connect; true once. */
export function takePermit(socket: Socket): boolean {
  return permitted.delete(socket)
}

/** Whether `owner` of a native handle is a socket of ours that has yet to connect. */
export function isDialling(owner: unknown): boolean {
  return typeof owner === 'object' && owner !== null && dialling.has(owner)
}

/** Whether `socket` was made here. */
export function isOwn(socket: Socket): boolean {
  return own.has(socket)
}
