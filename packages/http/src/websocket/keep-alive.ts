/** Pings the other side of a WebSocket, and cuts it off when it does not respond (RFC 6455, 5.5.2). */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
import type { WebSocket } from 'ws'

export class KeepAlive implements Disposable {
  readonly #timer: Timer | undefined
  #alive = true

  /** @param interval Milliseconds; 0 for never. */
  constructor(socket: WebSocket, interval: number) {
    if (interval === 0) return
    socket.on('pong', () => {
      this.heard()
    })
    this.#timer = startInterval(() => {
      // A pong on a paused socket is not read: then this side is slow, not the other.
      if (!this.#alive && !socket.isPaused) {
        socket.terminate()
        return
      }
      this.#alive = false
      if (socket.readyState === socket.OPEN) socket.ping()
    }, interval)
  }

  heard(): void {
    this.#alive = true
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
  }
}
