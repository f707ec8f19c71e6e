/**
 * Handles a socket that is destroyed while its connection is still being dialled. The error passed to `destroy` gets
 * the overlay's error as its cause. A default timeout of a library does not end the dial, because the overlay has its
 * own timeouts.
 */
import { type EntryId, startDeadline, stopTimer, TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Target } from '../overlay/overlay.ts'
import { property } from '../sockets/internals.ts'

/**
 * Milliseconds that undici gives a connection by default. They cover everything from name resolution to TLS, and the
 * message contains them.
 */
const undicisOwn = 10_000

/** By socket: a socket may be ended, and connected again, before its first life is over. */
const ends = new WeakMap<Socket, EarlyEnd>()

export class EarlyEnd implements Disposable {
  readonly #socket: Socket
  readonly #overlay: EntryId
  readonly #target: () => Target
  readonly #began = performance.now()
  /** The error with which a library wanted to end it. */
  #late: Error | undefined

  constructor(socket: Socket, overlay: EntryId, target: () => Target) {
    this.#socket = socket
    this.#overlay = overlay
    this.#target = target
    if (ends.has(socket)) Reflect.deleteProperty(socket, 'destroy')
    ends.set(socket, this)
    const destroy = socket.destroy.bind(socket)
    const value = (...[error, ...rest]: Parameters<Socket['destroy']>) => {
      if (isUndicisOwn(error)) {
        this.#late = error
        return socket
      }
      if (error !== undefined && isWithoutCause(error)) {
        Reflect.defineProperty(error, 'cause', { value: this.#cause(), configurable: true, writable: true })
      }
      return destroy(error, ...rest)
    }
    Object.defineProperty(socket, 'destroy', { value, configurable: true, writable: true })
  }

  /** The connection is open, or has failed. */
  [Symbol.dispose](): void {
    if (ends.get(this.#socket) !== this) return
    ends.delete(this.#socket)
    Reflect.deleteProperty(this.#socket, 'destroy')
    if (this.#late && this.#socket instanceof TLSSocket && !this.#socket.destroyed) limitTls(this.#socket, this.#late)
  }

  #cause(): TroupeError {
    const { host, port } = this.#target()
    const target = `${host}:${port}`
    const milliseconds = Math.round(performance.now() - this.#began)
    const what =
      `a connection to ${target} through overlay ${this.#overlay} ` +
      `was given up after ${milliseconds} ms, while it was being made`
    return new TroupeError('Timeout', what, { details: { overlay: this.#overlay, target, timeout: milliseconds } })
  }
}

/** TLS gets the time that the library meant for the whole connection. */
function limitTls(socket: TLSSocket, late: Error): void {
  const timer = startDeadline(() => socket.destroy(late), undicisOwn).unref()
  socket.once('secureConnect', () => stopTimer(timer)).once('close', () => stopTimer(timer))
}

/** The abort reason of a signal belongs to its owner, and may be shared by many sockets. */
function isWithoutCause(error: Error): boolean {
  return (
    error.cause === undefined &&
    !(error instanceof TroupeError) &&
    !(error instanceof DOMException) &&
    error.name !== 'AbortError'
  )
}

function isUndicisOwn(error: Error | undefined): boolean {
  return (
    property(error, 'code') === 'UND_ERR_CONNECT_TIMEOUT' &&
    error?.message.endsWith(`timeout: ${undicisOwn}ms)`) === true
  )
}
