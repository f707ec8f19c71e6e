/**
 * A router reports success for a dial as soon as it knows a path. Only the first byte received shows that a peer is at
 * its end. If no byte arrives in time, and none is sent meanwhile, the connection is closed.
 */
import { startDeadline, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { followConnection } from '../../dial/connection-handover.ts'

/** Watches `socket`, and any socket that its connection continues in. @param ms - 0: no limit. */
export function awaitFirstByte(socket: Socket, ms: number, late: () => TroupeError): void {
  if (ms === 0 || socket.readableLength > 0 || socket.destroyed) return
  const watch = new FirstByte(socket, ms, late)
  followConnection(socket, (to) => watch.follow(to))
}

class FirstByte {
  #socket: Socket
  readonly #late: () => TroupeError
  /** The bytes that the handshake received. */
  readonly #read: number
  #written: number
  readonly #timer: Timer

  constructor(socket: Socket, ms: number, late: () => TroupeError) {
    this.#socket = socket
    this.#late = late
    this.#read = socket.bytesRead
    this.#written = socket.bytesWritten
    this.#timer = startDeadline(this.#look, ms).unref()
    this.#forgetWith(socket)
  }

  follow(socket: Socket): void {
    this.#socket = socket
    this.#forgetWith(socket)
  }

  readonly #look = (): void => {
    const { bytesRead, bytesWritten, writableLength } = this.#socket
    if (bytesRead > this.#read) return
    // Bytes that the router accepted: a long upload is not silence.
    const taken = bytesWritten - writableLength
    if (taken > this.#written) {
      this.#written = taken
      this.#timer.refresh()
    } else this.#socket.destroy(this.#late())
  }

  /** No listener is put on the socket, so it looks untouched to its receiver. */
  #forgetWith(socket: Socket): void {
    const destroy = socket._destroy.bind(socket)
    socket._destroy = (error, done) => {
      if (socket === this.#socket) stopTimer(this.#timer)
      destroy(error, done)
    }
  }
}
