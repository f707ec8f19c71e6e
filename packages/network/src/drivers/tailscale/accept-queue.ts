/** Connections that have arrived and were not yet accepted. */
import type { Accepted } from '../../overlay/overlay.ts'

type Outcome = { readonly error: Error | undefined }

export class AcceptQueue implements AsyncIterable<Accepted> {
  readonly #waiting: Accepted[] = []
  #over: Outcome | undefined
  #wake: () => void = () => {}

  /** Returns whether the connection was queued: after the end, it is refused. */
  push(connection: Accepted): boolean {
    if (this.#over) return false
    this.#waiting.push(connection)
    this.#wake()
    return true
  }

  /** Ends the queue. Waiting readers get `error`, if there is one; connections that were not accepted are closed. */
  end(error?: Error): void {
    if (this.#over) return
    this.#over = { error }
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Accepted, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next) yield next
      else if (this.#over?.error) throw this.#over.error
      else if (this.#over) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
