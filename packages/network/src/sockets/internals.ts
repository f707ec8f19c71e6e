/**
 * Parts of Node that are not public API and on which the guard depends. All are looked up once, before any user code.
 * If one is missing the thread must not start, because the guard could not work
 * (`docs/discoveries/0009-sockets-change-handles.md`).
 */
import { TroupeError, unavailable } from '@troupe/core'
import { createSocket } from 'node:dgram'
import { Socket } from 'node:net'
import { type Callable, isCallable } from '../guard/node/patch.ts'

/** The internals of this version of Node. */
export interface Internals {
  /** Gives a socket another handle; a TLS socket wraps the new one. */
  readonly reinitialize: symbol
  /** On a handle: the socket that owns it. */
  readonly owner: symbol
  /** On a socket with `onread`: its buffer, the function that makes buffers, and the callback. */
  readonly onread: { readonly buffer: symbol; readonly generator: symbol; readonly callback: symbol }
  /** Prototypes of the native handles. */
  readonly handles: { readonly tcp: object; readonly pipe: object; readonly udp: object }
}

let known: Internals | undefined

/** Returns the internals of this thread's Node, looked up once, before anything is replaced. */
export function internals(): Internals {
  known ??= readInternals()
  return known
}

/** Looks up all internals. Sends nothing: a socket that is destroyed in the turn of its `connect` sends no packet. */
function readInternals(): Internals {
  const tcpSocket = probe((socket) => socket.connect({ host: '127.0.0.1', port: 1 })).socket
  const pipeSocket = probe((socket) => socket.connect({ path: '/nonexistent/troupe' }))
  const tcp = handleIn(tcpSocket, 'net.Socket')
  // Without network permission, the socket has already lost its handle here.
  const pipe = handleIn({ _handle: pipeSocket.had }, 'net.Socket of a path')
  const udpSocket = createSocket('udp4')
  const udp = handleIn(
    property(udpSocket, symbolOf(udpSocket, 'state symbol', 'dgram.Socket')),
    'dgram.Socket',
    'handle',
  )
  try {
    const reinitialize = symbolOf(Socket.prototype, 'kReinitializeHandle', 'net.Socket.prototype')
    for (const method of ['readStop', 'close', 'connect', 'connect6']) callable(tcp, method, 'a TCP handle')
    for (const method of ['_writeGeneric', '_undestroy', reinitialize])
      callable(Socket.prototype, method, 'net.Socket.prototype')
    return {
      reinitialize,
      owner: symbolOf(tcp, 'owner_symbol', 'a TCP handle'),
      onread: {
        buffer: symbolOf(tcpSocket, 'kBuffer', 'net.Socket'),
        generator: symbolOf(tcpSocket, 'kBufferGen', 'net.Socket'),
        callback: symbolOf(tcpSocket, 'kBufferCb', 'net.Socket'),
      },
      handles: { tcp: prototypeOf(tcp), pipe: prototypeOf(pipe), udp: prototypeOf(udp) },
    }
  } finally {
    tcpSocket.destroy()
    pipeSocket.socket.destroy()
    udpSocket.close()
  }
}

/**
 * Returns the symbol of `owner` whose description is `description`.
 *
 * @throws TroupeError `Internal`, naming this version of Node, if there is none.
 */
export function symbolOf(owner: object, description: string, title: string): symbol {
  const found = Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description)
  if (found !== undefined) return found
  throw unsupported(`${title} has no ${description}`)
}

/** Returns a property of a value that may not be an object. */
export function property(owner: unknown, name: PropertyKey): unknown {
  return (typeof owner === 'object' || typeof owner === 'function') && owner !== null
    ? Reflect.get(owner, name)
    : undefined
}

/** The native handle of a socket, if it has one. */
export function handleOf(socket: Socket): object | undefined {
  const handle = property(socket, '_handle')
  return typeof handle === 'object' && handle !== null ? handle : undefined
}

/** Returns the innermost handle: TLS wraps the TCP handle, which is the one that connects. */
export function innermost(handle: object): object {
  const parent = property(handle, '_parent')
  return typeof parent === 'object' && parent !== null ? parent : handle
}

/** Lets the events of a native handle run in the caller's async context, in place of that in which it was created. */
export function adoptContext(handle: object): void {
  const reset = property(handle, 'asyncReset')
  if (isCallable(reset)) Reflect.apply(reset, handle, [handle])
}

/**
 * Returns the handle of a socket that has no reader, stopped, and the data that had been read already. The socket is
 * unusable afterwards.
 */
export function detachHandle(socket: Socket): { readonly handle: object; readonly rest: Buffer | undefined } {
  const rest: unknown = socket.read()
  const handle = handleOf(socket)
  if (handle === undefined) throw unavailable('the connection was closed before it could be used')
  const stop = property(handle, 'readStop')
  if (isCallable(stop)) Reflect.apply(stop, handle, [])
  Reflect.set(handle, 'reading', false)
  Reflect.set(socket, '_handle', null)
  socket.removeAllListeners().destroy()
  return { handle, rest: Buffer.isBuffer(rest) ? rest : undefined }
}

/** Returns a socket on which `connect` was called, and the first handle that it had. */
function probe(connect: (socket: Socket) => void): { readonly socket: Socket; readonly had: unknown } {
  const socket = new Socket().on('error', () => {})
  let had: unknown
  let handle = property(socket, '_handle')
  Object.defineProperty(socket, '_handle', {
    configurable: true,
    get: () => handle,
    set: (next: unknown) => {
      had ??= next
      handle = next
    },
  })
  connect(socket)
  return { socket, had }
}

function handleIn(owner: unknown, title: string, name = '_handle'): object {
  const handle = property(owner, name)
  if (typeof handle === 'object' && handle !== null) return handle
  throw unsupported(`${title} has no ${name}`)
}

function callable(owner: object, name: PropertyKey, title: string): Callable {
  const method: unknown = Reflect.get(owner, name)
  if (isCallable(method)) return method
  throw unsupported(`${title} has no method ${String(name)}`)
}

function prototypeOf(handle: object): object {
  const prototype: unknown = Object.getPrototypeOf(handle)
  if (typeof prototype === 'object' && prototype !== null) return prototype
  throw unsupported('a native handle has no prototype')
}

/** Returns the error for a version of Node on which the guard cannot work. */
export function unsupported(what: string): TroupeError {
  return new TroupeError(
    'Internal',
    `this Node (${process.version}) is not supported: ${what}, so ` +
      'sockets could not be kept on their overlays. Use Node 24.21 or 26.10',
    { details: { version: process.version, missing: what }, retryable: false },
  )
}
