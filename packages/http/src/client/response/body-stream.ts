/** The body of an answer that does not come whole: a stream that holds the sender back, and does not wait for ever. */
import { startDeadline, stopTimer, type Timer } from '@troupe/core'
import type { Dispatcher } from 'undici'

/** Bytes that are held for a reader before the connection is paused. */
const readAhead = 64 * 1024

export interface BodyStreamOptions {
  readonly controller: Dispatcher.DispatchController | undefined
  /** What has come already. */
  readonly chunks: readonly Buffer[]
  /** Milliseconds between two pieces that somebody waits for. */
  readonly timeout: number
  readonly onLate: () => void
  readonly onCancel: () => void
}

export class BodyStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly #options: BodyStreamOptions
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Runs out when the next piece does not come; a timer of ours, since undici makes two new ones for each request. */
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

  /** While nobody reads, nobody is late. */
  #late(): void {
    if (!this.#paused) this.#options.onLate()
  }
}
