/** Connections that have arrived and were not yet accepted. */
import type { Accepted } from '../overlay/overlay.ts'

export class AcceptQueue implements AsyncIterable<Accepted> {
  readonly #waiting: Accepted[] = []
  #taker: PromiseWithResolvers<void> | undefined
  #over = false
  #error: Error | undefined

  /** @returns Whether the connection was queued: after the end, it is not. */
  put(accepted: Accepted): boolean {
    if (this.#over) return false
    this.#waiting.push(accepted)
    this.#taker?.resolve()
    return true
  }

  /** Ends the queue. Connections that were not accepted are closed. */
  end(error?: Error): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
    this.#taker?.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Accepted> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next !== undefined) yield next
      else if (this.#over) break
      else {
        this.#taker = Promise.withResolvers()
        await this.#taker.promise
      }
    }
    if (this.#error !== undefined) throw this.#error
  }
}
