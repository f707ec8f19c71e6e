/** Pings the other side of a WebSocket, and cuts it off when it does not answer (RFC 6455, 5.5.2). */
import type { WebSocket } from 'ws'

export class KeepAlive implements Disposable {
  readonly #timer: NodeJS.Timeout | undefined
  #alive = true

  /** @param interval Milliseconds; 0 for never. */
  constructor(socket: WebSocket, interval: number) {
    if (interval === 0) return
    socket.on('pong', () => {
      this.heard()
    })
    this.#timer = setInterval(() => {
      // What is not read cannot be heard: then it is this side that is slow.
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
    clearInterval(this.#timer)
  }
}
