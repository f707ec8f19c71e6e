/**
 * Whoever ends a socket while its connection is still being dialled: an error that it brings along gets the overlay as its cause, and a limit
 * that a library sets for everybody is no reason, since the overlay has limits of its own.
 */
import { type EntryId, startDeadline, stopTimer, TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Target } from '../overlay/overlay.ts'
import { property } from '../sockets/internals.ts'

/** Milliseconds that undici gives a connection where its user says nothing. It takes them from name to TLS, and tells of them in the message. */
const undicisOwn = 10_000

/** By socket: a socket may be ended, and connected again, before its first life is over. */
const ends = new WeakMap<Socket, EarlyEnd>()

export class EarlyEnd implements Disposable {
  readonly #socket: Socket
  readonly #overlay: EntryId
  readonly #target: () => Target
  readonly #began = performance.now()
  /** By which a library wanted to end it. */
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

  /** The connection is there, or will not be. */
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
    const what = `a connection to ${target} through overlay ${this.#overlay} was given up after ${milliseconds} ms, while it was being made`
    return new TroupeError('Timeout', what, { details: { overlay: this.#overlay, target, timeout: milliseconds } })
  }
}

/** TLS has the time for itself that the library meant for all of it. */
function limitTls(socket: TLSSocket, late: Error): void {
  const timer = startDeadline(() => socket.destroy(late), undicisOwn).unref()
  socket.once('secureConnect', () => stopTimer(timer)).once('close', () => stopTimer(timer))
}

/** What a signal was aborted with is its owner's, and that of many sockets. */
function isWithoutCause(error: Error): boolean {
  return error.cause === undefined && !(error instanceof TroupeError) && !(error instanceof DOMException) && error.name !== 'AbortError'
}

function isUndicisOwn(error: Error | undefined): boolean {
  return property(error, 'code') === 'UND_ERR_CONNECT_TIMEOUT' && error?.message.endsWith(`timeout: ${undicisOwn}ms)`) === true
}
