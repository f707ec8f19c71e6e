/**
 * The connections of the dashboard. The oldest one that is not in use is closed for a new one, so that connections that
 * send nothing, or no valid token, keep no operator out.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Connections at a time. */
const most = 128

/** A connection with TLS has a socket of its own, at the same addresses. */
type Key = string | Socket

export class Connections {
  readonly #open = new Map<Key, Socket>()
  readonly #used = new Set<Key>()

  readonly add = (socket: Socket): void => {
    const key = keyOf(socket)
    this.#open.set(key, socket)
    socket.once('close', () => {
      if (this.#open.get(key) === socket) this.#open.delete(key)
    })
    if (this.#open.size <= most) return
    const oldest = this.#open.keys().find((other) => !this.#used.has(other))
    if (oldest !== undefined) this.#close(oldest)
  }

  /** The connection of a request with a valid token stays open until the response has ended. */
  keep(socket: Socket, response: ServerResponse): void {
    const key = keyOf(socket)
    this.#used.add(key)
    response.once('close', () => this.#used.delete(key))
  }

  #close(key: Key): void {
    const socket = this.#open.get(key)
    this.#open.delete(key)
    socket?.destroy()
  }
}

function keyOf(socket: Socket): Key {
  const { remoteAddress, remotePort } = socket
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`
}
