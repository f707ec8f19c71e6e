/**
 * Sockets of our own, which the guard lets connect: those to a proxy, or to a process of ours. A permit is for one `connect` and is used up
 * by it, so a socket that user code was handed cannot be pointed elsewhere. Beside this package, only drivers need it
 * (`@troupe/network/driver`).
 */
import { lookup } from 'node:dns'
import { type IpcSocketConnectOpts, isIPv6, type NetConnectOpts, Server, Socket, type TcpSocketConnectOpts } from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { Target } from '../overlay/overlay.ts'
import type { ConnectCall } from '../guard/tcp/connect-options.ts'
import { internals, property, unsupported } from './internals.ts'
import { isCallable } from '../guard/node/patch.ts'

const permitted = new WeakSet<Socket>()
/** Those that are on their way, whose native handles may connect. */
const dialling = new WeakSet<object>()
/** Node's own, before anything was put in its place: a proxy that was given by name is found by the operating system. */
export const systemLookup: typeof lookup = lookup
const systemListen: unknown = Reflect.get(Server.prototype, 'listen')
/** As many as may arrive in one turn. */
const backlog = 4096
/** A server of ours is being put at its place. */
let placing = false

/** A socket that is connecting to a place which the operator configured. */
export function connectOwn(options: TcpSocketConnectOpts | IpcSocketConnectOpts): Socket {
  return allow(new Socket())
    .setNoDelay()
    .connect({ ...options, lookup: systemLookup })
}

/** A socket that is connecting to anywhere, for the kernel and the HTTP client, which ask beforehand. */
export function connectPlain(options: NetConnectOpts): Socket {
  return allow(new Socket({ ...('signal' in options && { signal: options.signal }) })).connect(options)
}

function allow(socket: Socket): Socket {
  permitted.add(socket)
  return noteDialling(socket)
}

function noteDialling(socket: Socket): Socket {
  dialling.add(socket)
  return socket.once('connect', () => dialling.delete(socket))
}

/** Has a server listen on a Unix socket at which a process of ours hands over connections. Its handle is made in the caller's context. */
export function listenOwn(server: Server, path: string): void {
  placing = true
  try {
    if (isCallable(systemListen)) Reflect.apply(systemListen, server, [{ path, backlog }])
  } finally {
    placing = false
  }
}

/**
 * Has a server listen on this machine, in whatever network the thread is: its visitors come from the clear network. Nothing is opened by that.
 *
 * @param address - An IP address; all of them by default. Errors are told by the server's `error` event.
 */
export function listenClear(server: Server, port: number, address?: string): void {
  placing = true
  try {
    const handle = boundHandle(port, address)
    if (handle instanceof Error) process.nextTick(() => server.emit('error', handle))
    else if (isCallable(systemListen)) Reflect.apply(systemListen, server, [handle ?? { port, backlog }, ...(handle ? [backlog] : [])])
  } finally {
    placing = false
  }
}

/** What Node's own servers of TCP are made with (`TCP.constants.SERVER`). */
const serverKind = 1

function serverHandle(): object {
  const construct: unknown = property(internals().handles.tcp, 'constructor')
  const handle: unknown = isCallable(construct) ? Reflect.construct(construct, [serverKind]) : undefined
  if (typeof handle === 'object' && handle !== null) return handle
  throw unsupported('a TCP handle has no constructor')
}

function call(handle: object, name: string, ...args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(handle, name)
  return isCallable(method) ? Reflect.apply(method, handle, args) : undefined
}

/** Bound by hand: Node looks an address up first, and listens in a later turn. */
function boundHandle(port: number, address: string | undefined): object | Error | undefined {
  if (address === undefined) return undefined
  const handle = serverHandle()
  const status = isIPv6(address) ? call(handle, 'bind6', address, port, 0) : call(handle, 'bind', address, port)
  if (status === 0) return handle
  call(handle, 'close')
  const code = getSystemErrorName(Number(status))
  return Object.assign(new Error(`listen ${code}: ${address}:${port}`), { code, errno: status, syscall: 'listen', address, port })
}

/** Whether {@link listenOwn} is running. */
export function isPlacing(): boolean {
  return placing
}

/** Where a library of a driver's is connecting to at this moment. */
let awaited: Target | undefined

/** Lets a library connect to a place which the operator configured: for that call of `connect`, and to no other place. */
export function connecting<T>(target: Target, connect: () => T): T {
  awaited = target
  try {
    return connect()
  } finally {
    awaited = undefined
  }
}

/** What `socket` may connect by, where it may: the arguments of `connect`. That is so once. */
export function takeAllowance(socket: Socket, call: ConnectCall): readonly unknown[] | undefined {
  const { options, callback } = call
  if (permitted.delete(socket)) return [options, callback]
  if (awaited === undefined || options['host'] !== awaited.host || options['port'] !== awaited.port) return undefined
  awaited = undefined
  noteDialling(socket)
  return [{ ...options, lookup: systemLookup }, callback]
}

/** A permit that was not needed is used up too. */
export function dropAllowance(socket: Socket): void {
  permitted.delete(socket)
}

/** Whether `owner` of a native handle is a socket of ours that has yet to connect. */
export function isDialling(owner: unknown): boolean {
  return typeof owner === 'object' && owner !== null && dialling.has(owner)
}
