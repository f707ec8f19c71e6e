/**
 * A router says OK to a dial as soon as it knows a way: whether anybody is at the end of it shows in the first byte that comes back.
 * Without one, and without anything going out meanwhile, the connection is cut.
 */
import { startDeadline, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { followConnection } from '../../dial/connection-handover.ts'

/** Watches `socket`, and whichever socket its connection goes on in. @param ms - 0 waits for ever. */
export function awaitFirstByte(socket: Socket, ms: number, late: () => TroupeError): void {
  if (ms === 0 || socket.readableLength > 0 || socket.destroyed) return
  const watch = new FirstByte(socket, ms, late)
  followConnection(socket, (to) => watch.follow(to))
}

class FirstByte {
  #socket: Socket
  readonly #late: () => TroupeError
  /** What the handshake brought. */
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
    // What the router took: a long upload is not silence.
    const taken = bytesWritten - writableLength
    if (taken > this.#written) {
      this.#written = taken
      this.#timer.refresh()
    } else this.#socket.destroy(this.#late())
  }

  /** No listener is put on the socket, which looks untouched to whoever gets it. */
  #forgetWith(socket: Socket): void {
    const destroy = socket._destroy.bind(socket)
    socket._destroy = (error, done) => {
      if (socket === this.#socket) stopTimer(this.#timer)
      destroy(error, done)
    }
  }
}
