/**
 * Sockets of our own, which the guard lets connect: those to a proxy, or to a process of ours. A permit is for one `connect` and is used up
 * by it, so a socket that user code was handed cannot be pointed elsewhere. Beside this package, only drivers need it
 * (`@troupe/network/driver`).
 */
import { lookup } from 'node:dns'
import { type IpcSocketConnectOpts, type NetConnectOpts, Server, Socket, type TcpSocketConnectOpts } from 'node:net'
import { isCallable } from './wrap.ts'

const permitted = new WeakSet<Socket>()
/** Those that are on their way, whose native handles may connect. */
const dialling = new WeakSet<object>()
/** Node's own, before anything was put in its place: a proxy that was given by name is found by the operating system. */
const systemLookup = lookup
const systemListen: unknown = Reflect.get(Server.prototype, 'listen')
/** As many as may arrive in one turn. */
const backlog = 4096
/** A server of ours is being put at its place. */
let placing = false

/** A socket that is connecting to a place which the operator configured. */
export function connectPermitted(options: TcpSocketConnectOpts | IpcSocketConnectOpts): Socket {
  return permit(new Socket())
    .setNoDelay()
    .connect({ ...options, lookup: systemLookup })
}

/** A socket that is connecting to anywhere, for the kernel and the HTTP client, which ask beforehand. */
export function connectPlain(options: NetConnectOpts): Socket {
  return permit(new Socket({ ...('signal' in options && { signal: options.signal }) })).connect(options)
}

function permit(socket: Socket): Socket {
  permitted.add(socket)
  dialling.add(socket)
  socket.once('connect', () => dialling.delete(socket))
  return socket
}

/** Has a server listen on a Unix socket at which a process of ours hands over connections. Its handle is made in the caller's context. */
export function listenPermitted(server: Server, path: string): void {
  placing = true
  try {
    if (isCallable(systemListen)) Reflect.apply(systemListen, server, [{ path, backlog }])
  } finally {
    placing = false
  }
}

/** Whether {@link listenPermitted} is at it, which takes no more than its own call. */
export function isPlacing(): boolean {
  return placing
}

/** Whether `socket` may connect; true once. */
export function takePermit(socket: Socket): boolean {
  return permitted.delete(socket)
}

/** Whether `owner` of a native handle is a socket of ours that has yet to connect. */
export function isDialling(owner: unknown): boolean {
  return typeof owner === 'object' && owner !== null && dialling.has(owner)
}
