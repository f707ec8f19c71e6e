/** A stream of events to one client: a write waits while the client does not read. */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
/** A comment, which keeps a connection alive. */
const comment = ':\n\n'

const encoder = new TextEncoder()

export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** Settles when the client has disconnected, or the stream has ended. */
  readonly closed: Promise<void>
  readonly #onClosed: () => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #wanted = Promise.withResolvers<void>()
  readonly #timer: Timer | undefined
  #isOpen = true

  /** @param keepAlive Milliseconds between comments; 0 for none. */
  constructor(keepAlive: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#onClosed = resolve
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      pull: () => {
        this.#wanted.resolve()
      },
      cancel: () => {
        this.#end()
      },
    })
    if (keepAlive === 0) return
    this.#timer = startInterval(() => {
      // If data already waits, a comment would not help: either the connection works, or a comment does not change
      // that.
      if ((this.#controller?.desiredSize ?? 0) > 0) this.#controller?.enqueue(encoder.encode(comment))
    }, keepAlive)
  }

  /** Writes, and settles when the client's side accepts more. After the end it writes nothing. */
  async write(text: string): Promise<void> {
    if (!this.#isOpen || this.#controller === undefined) return
    this.#controller.enqueue(encoder.encode(text))
    if ((this.#controller.desiredSize ?? 0) > 0) return
    this.#wanted = Promise.withResolvers()
    await Promise.race([this.#wanted.promise, this.closed])
  }

  /** Ends the stream normally. */
  close(): void {
    if (!this.#isOpen) return
    this.#controller?.close()
    this.#end()
  }

  /** Aborts the stream. */
  fail(error: unknown): void {
    if (!this.#isOpen) return
    this.#controller?.error(error)
    this.#end()
  }

  #end(): void {
    this.#isOpen = false
    stopTimer(this.#timer)
    this.#onClosed()
  }
}

/** Headers that ask buffering proxies such as nginx not to collect responses. */
export const eventsHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/** Returns a response with that stream. */
export function eventsResponse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: eventsHeaders })
}
