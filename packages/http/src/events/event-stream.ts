/** A stream of events to one client: writing waits while the client does not read. */
import { startInterval, stopTimer, type Timer } from '@troupe/core'
/** What keeps a connection alive. */
const comment = ':\n\n'

const encoder = new TextEncoder()

export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** Settles when the client has gone, or the stream has ended. */
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
      // Where something waits already, the connection is alive or will not be by this.
      if ((this.#controller?.desiredSize ?? 0) > 0) this.#controller?.enqueue(encoder.encode(comment))
    }, keepAlive)
  }

  /** Settles when the client's side wants more. After the end nothing is written. */
  async write(text: string): Promise<void> {
    if (!this.#isOpen || this.#controller === undefined) return
    this.#controller.enqueue(encoder.encode(text))
    if ((this.#controller.desiredSize ?? 0) > 0) return
    this.#wanted = Promise.withResolvers()
    await Promise.race([this.#wanted.promise, this.closed])
  }

  /** Ends it in order. */
  close(): void {
    if (!this.#isOpen) return
    this.#controller?.close()
    this.#end()
  }

  /** Breaks it off. */
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

/** Proxies that collect answers, as nginx does, are asked not to. */
export const eventsHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/** A response of that stream. */
export function eventsResponse(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: eventsHeaders })
}
