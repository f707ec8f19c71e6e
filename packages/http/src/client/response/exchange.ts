/** One request and its response on a connection, without redirects. */
import { formatDuration, TroupeError } from '@troupe/core'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { ResponseHeaders } from './headers.ts'
import { BodyStream } from './body-stream.ts'
import type { OnProgress } from '../request/options-schema.ts'
import { tooLong } from '../body/too-long.ts'
import type { EndListener, Deadline } from '../deadline.ts'

export interface ExchangeOptions {
  readonly deadline: Deadline
  readonly method: string
  /** Milliseconds between two pieces of a body that arrives in pieces. */
  readonly timeout: number
  /** Bytes. */
  readonly maxResponseBody: number
  readonly onDownload: OnProgress | undefined
  /** Creates the error of a body that breaks off. Earlier failures are thrown unchanged. */
  readonly failure: (thrown: unknown) => TroupeError
  /** Called once, after the last byte, or when the body was cancelled or failed. */
  readonly onFinished: () => void
}

/** Maximum number of interim responses (RFC 9110 §15.2): hints and signs of progress. */
const mostInterim = 100
const flooded = new TroupeError('Unavailable', `the server sent more than ${mostInterim} interim responses`, {
  retryable: false,
})

/** All bytes of a body, a stream of them, or `null` where HTTP allows none (RFC 9110 §6.4.1). */
export type ResponseBody = Buffer | ReadableStream<Uint8Array> | null

/**
 * Reports the head one microtask after it arrives. If the whole response has arrived by then, as small ones do in one
 * packet, its body is bytes. Then the stream, which most responses do not need, is not created.
 */
export class Exchange implements Dispatcher.DispatchHandler, EndListener {
  readonly deadline: Deadline
  status = 0
  statusText = ''
  fields: ResponseHeaders = {}
  body: ResponseBody = null
  /** Settles when the head of the response and {@link body} are available. */
  readonly head: Promise<void>
  readonly #options: ExchangeOptions
  #resolve: () => void = () => {}
  #reject: (reason: unknown) => void = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #stream: BodyStream | undefined
  #chunks: Buffer[] = []
  #bodyless = false
  #headed = false
  #broken: TroupeError | undefined
  #notified = false
  #received = 0
  #total: number | undefined
  /** Whether the server sent any part of a response. */
  answered = false
  #interim = 0
  #ended = false
  #finished: (() => void) | undefined
  /** The body that is being sent. */
  upload: Readable | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.deadline = options.deadline
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    options.deadline.listener = this
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Calls `listener` after the last byte, or when the body was cancelled or failed: at once, where that has already
   * happened.
   */
  whenFinished(listener: () => void): void {
    if (this.#ended) listener()
    else this.#finished = listener
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The request ended while it was queued: nothing of it is sent.
    if (this.#ended) controller.abort(this.deadline.reason ?? new TroupeError('Canceled', 'the request has ended'))
    else this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    fields: ResponseHeaders,
    statusText = '',
  ): void {
    this.answered = true
    if (status < 200) {
      this.#interim += 1
      if (this.#interim > mostInterim) controller.abort(flooded)
      return
    }
    if (status > 599) {
      controller.abort(
        new TroupeError('Unavailable', `the response has the invalid status ${status}`, { retryable: false }),
      )
      return
    }
    if (!isFramed(fields)) {
      controller.abort(
        new TroupeError('Unavailable', 'the response has a transfer coding that is not supported', {
          retryable: false,
        }),
      )
      return
    }
    this.status = status
    this.statusText = statusText
    this.fields = fields
    this.#bodyless = this.#options.method === 'HEAD' || status === 204 || status === 205 || status === 304
    this.#total = this.#bodyless ? 0 : lengthIn(fields)
    if (this.#total !== undefined && this.#total > this.#options.maxResponseBody)
      controller.abort(tooLong(this.#options.maxResponseBody))
    else {
      this.#headed = true
      if (!this.#bodyless) queueMicrotask(this.#tell)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.byteLength
    if (this.#received > this.#options.maxResponseBody) {
      controller.abort(tooLong(this.#options.maxResponseBody))
      return
    }
    if (this.#ended) return
    if (this.#options.onDownload !== undefined && !this.#progress(this.#options.onDownload)) return
    if (this.#stream === undefined) this.#chunks.push(chunk)
    else this.#stream.push(chunk)
  }

  onResponseEnd(): void {
    if (!this.#end()) return
    this.#stream?.close()
    if (this.#bodyless) this.#tell()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.fail(error)
  }

  /** Ends the exchange with an error. */
  fail(thrown: unknown): void {
    if (!this.#end()) return
    if (this.#headed && !this.#bodyless) {
      // Reported with the body, whether the head is already reported or will be in the next microtask.
      this.#broken = this.#options.failure(thrown)
      this.#stream?.fail(this.#broken)
      return
    }
    this.#notified = true
    this.#reject(thrown)
  }

  readonly #tell = () => {
    if (this.#notified) return
    this.#notified = true
    if (!this.#bodyless) this.body = this.#ended && this.#broken === undefined ? wholeOf(this.#chunks) : this.#opened()
    this.#chunks = []
    this.#resolve()
  }

  #opened(): ReadableStream<Uint8Array> {
    const { timeout } = this.#options
    this.#stream = new BodyStream({
      controller: this.#controller,
      chunks: this.#chunks,
      timeout,
      onLate: () =>
        this.deadline.end(new TroupeError('Timeout', `no further piece of the body within ${formatDuration(timeout)}`)),
      onCancel: () => {
        // The last byte may have arrived before.
        if (this.#end()) this.#controller?.abort(new TroupeError('Canceled', 'the body was canceled'))
      },
    })
    if (this.#broken !== undefined) this.#stream.fail(this.#broken)
    return this.#stream.readable
  }

  watchEnded(reason: TroupeError): void {
    this.fail(reason)
    this.#controller?.abort(reason)
    this.upload?.destroy()
  }

  #progress(tell: OnProgress): boolean {
    try {
      tell({ bytes: this.#received, total: this.#total })
      return true
    } catch (error) {
      this.deadline.end(
        new TroupeError('Unknown', `onDownload threw: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        }),
      )
      return false
    }
  }

  /** Returns whether this was the first end. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#options.onFinished()
    this.#finished?.()
    return true
  }
}

function wholeOf(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}

/** Returns whether the transfer coding only frames the body: others such as gzip were not requested (RFC 9112 §7). */
function isFramed({ 'transfer-encoding': codings }: ResponseHeaders): boolean {
  return codings === undefined || (typeof codings === 'string' && /^(?:chunked|identity)$/i.test(codings))
}

function lengthIn(fields: ResponseHeaders): number | undefined {
  const length = fields['content-length']
  return typeof length === 'string' ? Number(length) : undefined
}
