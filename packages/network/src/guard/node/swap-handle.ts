/** Gives a waiting socket of user code the connection that was dialled for it. */
import { isIPv6, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { unavailable } from '@troupe/core'
import { isIsolated } from '../../dial/connection-handover.ts'
import { connectionMoved } from '../../dial/overlay-health.ts'
import type { Target } from '../../overlay/overlay.ts'
import { detachHandle, handleOf, innermost, internals, property } from '../../sockets/internals.ts'
import { type Callable, isCallable } from './patch.ts'

/**
 * Moves the handle of `dialled` into `socket`; `dialled` is unusable afterwards.
 *
 * @param peer - The remote address that the socket shows; a connection in the clear network has its own.
 */
export function swapHandle(socket: Socket, dialled: Socket, target: Target, peer?: Target): void {
  connectionMoved(dialled, socket)
  if (socket instanceof TLSSocket && isIsolated(socket)) dropSession(socket)
  const { handle, rest } = detachHandle(dialled)
  const isHeld = holdsThread(socket)
  // With a new handle Node would forget that `end()` was called.
  Reflect.set(socket, '_undestroy', () => {})
  call(socket, internals().reinitialize, handle)
  Reflect.deleteProperty(socket, '_undestroy')
  if (socket instanceof TLSSocket) restoreTls(socket)
  if (!isHeld) socket.unref()
  if (peer !== undefined) {
    const { host: address, port } = peer
    Reflect.set(socket, '_peername', { address, port, family: isIPv6(address) ? 'IPv6' : 'IPv4' })
  }
  if (rest === undefined) return
  if (socket instanceof TLSSocket) throw unavailable(`${target.host}:${target.port} spoke before the TLS handshake`)
  deliver(socket, rest)
}

/** Whether the socket keeps its thread alive: not after `unref()`, which Node does to the handle that it has. */
function holdsThread(socket: Socket): boolean {
  const outer = handleOf(socket)
  const handle = outer && innermost(outer)
  const hasRef = property(handle, 'hasRef')
  return !isCallable(hasRef) || Reflect.apply(hasRef, handle, []) === true
}

/** Makes a TLS socket forget the session that it was to resume. */
function dropSession(socket: TLSSocket): void {
  const options = property(socket, '_tlsOptions')
  if (typeof options === 'object' && options !== null) Reflect.set(options, 'session', undefined)
  // Node reads it from the former handle.
  const handle = handleOf(socket)
  if (handle !== undefined) Reflect.set(handle, 'getSession', () => null)
}

/**
 * Restores state that Node loses when a TLS socket changes its handle: without it there is no `session` event, and so
 * no resumption.
 */
function restoreTls(socket: TLSSocket): void {
  const handle = handleOf(socket)
  if (handle === undefined) return
  Reflect.set(socket, 'ssl', handle)
  if (socket.listenerCount('session') > 0) call(handle, 'enableSessionCallbacks')
  if (socket.listenerCount('keylog') > 0) call(handle, 'enableKeylogCallback')
}

/** Data that the target sent directly after the proxy's reply comes first. */
function deliver(socket: Socket, bytes: Buffer): void {
  const { onread } = internals()
  const callback: unknown = Reflect.get(socket, onread.callback)
  if (isCallable(callback)) socket.once('connect', () => fill(socket, bytes, callback))
  else socket.push(bytes)
}

/** For a socket with `onread`: fills its own buffer, piece by piece, until the callback pauses it. */
function fill(socket: Socket, bytes: Buffer, callback: Callable): void {
  const { onread } = internals()
  for (let at = 0; at < bytes.length; ) {
    const generator: unknown = Reflect.get(socket, onread.generator)
    const buffer: unknown = isCallable(generator) ? generator() : Reflect.get(socket, onread.buffer)
    if (!(buffer instanceof Uint8Array)) return
    const piece = bytes.subarray(at, at + buffer.byteLength)
    buffer.set(piece)
    at += piece.length
    if (callback(piece.length, buffer) === false && at < bytes.length) {
      socket.pause().once('resume', () => fill(socket, bytes.subarray(at), callback))
      return
    }
  }
}

function call(owner: object, name: PropertyKey, ...args: readonly unknown[]): void {
  const method = property(owner, name)
  if (isCallable(method)) Reflect.apply(method, owner, args)
}
