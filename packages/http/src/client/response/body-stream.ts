/** The body of a response that arrives in pieces: a stream with backpressure and a timeout. */
import { startDeadline, stopTimer, type Timer } from '@troupe/core'
import type { Dispatcher } from 'undici'

/** Bytes that are buffered for a reader before the connection is paused. */
const readAhead = 64 * 1024

export interface BodyStreamOptions {
  readonly controller: Dispatcher.DispatchController | undefined
  /** The pieces that have already arrived. */
  readonly chunks: readonly Buffer[]
  /** Milliseconds between two pieces while a reader waits. */
  readonly timeout: number
  readonly onLate: () => void
  readonly onCancel: () => void
}

export class BodyStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly #options: BodyStreamOptions
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  /**
   * Expires when the next piece does not arrive. Our own timer, because undici creates two new ones for each request.
   */
  readonly #patience: Timer
  #paused = false

  constructor(options: BodyStreamOptions) {
    this.#options = options
    this.#patience = startDeadline(() => this.#late(), options.timeout)
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream
          for (const chunk of options.chunks) stream.enqueue(chunk)
          this.#holdBack()
        },
        pull: () => this.#resume(),
        cancel: () => {
          this.#stream = undefined
          stopTimer(this.#patience)
          options.onCancel()
        },
      },
      { highWaterMark: readAhead, size: (chunk) => chunk.byteLength },
    )
  }

  push(chunk: Buffer): void {
    this.#stream?.enqueue(chunk)
    this.#patience.refresh()
    this.#holdBack()
  }

  close(): void {
    stopTimer(this.#patience)
    this.#stream?.close()
  }

  fail(error: Error): void {
    stopTimer(this.#patience)
    this.#stream?.error(error)
  }

  #holdBack(): void {
    if ((this.#stream?.desiredSize ?? 1) > 0) return
    this.#paused = true
    this.#options.controller?.pause()
  }

  #resume(): void {
    if (this.#paused) this.#patience.refresh()
    this.#paused = false
    this.#options.controller?.resume()
  }

  /** Without a reader no piece is late. */
  #late(): void {
    if (!this.#paused) this.#options.onLate()
  }
}
