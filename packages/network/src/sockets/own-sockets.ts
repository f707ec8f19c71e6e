/**
 * Troupe's own sockets, which the guard lets connect: to a proxy, or to one of our processes. A permit is valid for one
 * `connect`, which consumes it, so user code that gets the socket cannot connect it elsewhere. Outside this package,
 * only drivers need it (`@troupe/network/driver`).
 */
import { lookup } from 'node:dns'
import {
  type IpcSocketConnectOpts,
  isIPv6,
  type NetConnectOpts,
  Server,
  Socket,
  type TcpSocketConnectOpts,
} from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { Target } from '../overlay/overlay.ts'
import type { ConnectCall } from '../guard/tcp/connect-options.ts'
import { internals, property, unsupported } from './internals.ts'
import { isCallable } from '../guard/node/patch.ts'

const permitted = new WeakSet<Socket>()
/** Sockets that are connecting, whose native handles may connect. */
const dialling = new WeakSet<object>()
/**
 * Node's own `lookup`, saved before it is replaced: the operating system resolves a proxy that is configured by name.
 */
export const systemLookup: typeof lookup = lookup
const systemListen: unknown = Reflect.get(Server.prototype, 'listen')
/** The most connections that may arrive in one turn. */
const backlog = 4096
/** True while one of our servers is being bound. */
let placing = false

/** Returns a socket that is connecting to an endpoint that the operator configured. */
export function connectOwn(options: TcpSocketConnectOpts | IpcSocketConnectOpts): Socket {
  return allow(new Socket())
    .setNoDelay()
    .connect({ ...options, lookup: systemLookup })
}

/**
 * Returns a socket that is connecting to any target, for the kernel and the HTTP client, which check permission before.
 */
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

/** Lets the native handles of a socket connect, to a target that stays in the clear. */
export function allowConnect(socket: Socket): void {
  noteDialling(socket).once('close', () => dialling.delete(socket))
}

/**
 * Makes a server listen on a Unix socket at which one of our processes hands over connections. Its handle is created in
 * the caller's context.
 */
export function listenOwn(server: Server, path: string): void {
  placing = true
  try {
    if (isCallable(systemListen)) Reflect.apply(systemListen, server, [{ path, backlog }])
  } finally {
    placing = false
  }
}

/**
 * Makes a server listen on this machine, whatever the network of the thread is: its clients come from the clear
 * network. It opens no outgoing connection.
 *
 * @param address - An IP address; all addresses by default. Errors are reported by the server's `error` event.
 */
export function listenClear(server: Server, port: number, address?: string): void {
  placing = true
  try {
    const handle = boundHandle(port, address)
    if (handle instanceof Error) process.nextTick(() => server.emit('error', handle))
    else if (isCallable(systemListen))
      Reflect.apply(systemListen, server, [handle ?? { port, backlog }, ...(handle ? [backlog] : [])])
  } finally {
    placing = false
  }
}

/** The handle type of Node's own TCP servers (`TCP.constants.SERVER`). */
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

/** Binds the handle directly, because Node looks the address up first and listens in a later turn. */
function boundHandle(port: number, address: string | undefined): object | Error | undefined {
  if (address === undefined) return undefined
  const handle = serverHandle()
  const status = isIPv6(address) ? call(handle, 'bind6', address, port, 0) : call(handle, 'bind', address, port)
  if (status === 0) return handle
  call(handle, 'close')
  const code = getSystemErrorName(Number(status))
  return Object.assign(new Error(`listen ${code}: ${address}:${port}`), {
    code,
    errno: status,
    syscall: 'listen',
    address,
    port,
  })
}

/** Whether {@link listenOwn} is running. */
export function isPlacing(): boolean {
  return placing
}

/** The target to which a library of a driver is connecting at this moment. */
let awaited: Target | undefined

/**
 * Lets a library connect to an endpoint that the operator configured: only for that call of `connect`, and only to that
 * target.
 */
export function connecting<T>(target: Target, connect: () => T): T {
  awaited = target
  try {
    return connect()
  } finally {
    awaited = undefined
  }
}

/** Returns the `connect` arguments that `socket` is permitted to use, if any, and consumes the permit. */
export function takeAllowance(socket: Socket, call: ConnectCall): readonly unknown[] | undefined {
  const { options, callback } = call
  if (permitted.delete(socket)) return [options, callback]
  if (awaited === undefined || options['host'] !== awaited.host || options['port'] !== awaited.port) return undefined
  awaited = undefined
  noteDialling(socket)
  return [{ ...options, lookup: systemLookup }, callback]
}

/** Consumes a permit that was not needed. */
export function dropAllowance(socket: Socket): void {
  permitted.delete(socket)
}

/** Whether `owner` of a native handle is one of our sockets that has yet to connect. */
export function isDialling(owner: unknown): boolean {
  return typeof owner === 'object' && owner !== null && dialling.has(owner)
}
