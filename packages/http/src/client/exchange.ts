/** One request and its answer on a pool, without redirects. */
import { currentFrame, emptyFrame, fork, invalid, runInFrame, TroupeError } from '@troupe/core'
import type { Dispatcher } from 'undici'
import type { SentBody } from './body.ts'
import type { Pool } from './pools.ts'
import type { Watch } from './watch.ts'

/** Bytes of an answer that are held for a reader before the connection is paused. */
const readAhead = 64 * 1024

export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: SentBody
}

export interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  /** `null` where HTTP allows none (RFC 9110 §6.4.1). */
  readonly body: ReadableStream<Uint8Array> | null
  /** Settles after the last byte, or when the body was canceled or failed. */
  readonly finished: Promise<void>
}

export interface ExchangeOptions {
  readonly watch: Watch
  /** Milliseconds between two pieces of the answer's body. */
  readonly timeout: number
  /** Bytes. */
  readonly maxResponseBody: number
  /** Makes the error of a body that breaks off. What goes wrong before is thrown as it is. */
  readonly failure: (thrown: unknown) => TroupeError
}

/** Sends `sent` on `pool`; settles when the head of the answer is there. */
export async function exchange(pool: Pool, sent: Sent, options: ExchangeOptions): Promise<Answer> {
  options.watch.signal.throwIfAborted()
  const handler = new AnswerHandler(sent.method, options)
  pool.running.add(options.watch)
  void handler.finished.then(() => pool.running.delete(options.watch))
  const dispatch: Dispatcher.DispatchOptions = {
    origin: sent.url.origin,
    path: `${sent.url.pathname}${sent.url.search}`,
    method: sent.method,
    headers: [...sent.headers].flat(),
    body: sent.body ?? null,
    bodyTimeout: options.timeout,
  }
  // The pool's network may be another than the caller's, who chose it: the guard sees it used in its own.
  runInFrame(fork(currentFrame() ?? emptyFrame, { overlay: pool.overlay }), () => pool.agent.dispatch(dispatch, handler))
  return handler.answer
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  readonly #method: string
  readonly #head = Promise.withResolvers<Answer>()
  readonly #finished = Promise.withResolvers<void>()
  #controller: Dispatcher.DispatchController | undefined
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  /** An answer that has come but for its end. */
  #bodyless: Answer | undefined
  #received = 0
  #ended = false

  constructor(method: string, options: ExchangeOptions) {
    this.#method = method
    this.#options = options
    options.watch.signal.addEventListener('abort', this.#abort, { once: true })
  }

  get finished(): Promise<void> {
    return this.#finished.promise
  }

  get answer(): Promise<Answer> {
    return this.#head.promise
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // An end that came while the request was queued: nothing of it is sent.
    if (this.#ended) controller.abort(this.#reason())
    else this.#controller = controller
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, fields: Record<string, unknown>, statusText = ''): void {
    if (status < 200) return
    if (status > 599) {
      controller.abort(
        new TroupeError('Unavailable', `was answered with the status ${status}, which HTTP does not have`, { retryable: false }),
      )
      return
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(fields)) {
      for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each))
    }
    const bodyless = this.#method === 'HEAD' || status === 204 || status === 205 || status === 304
    const announced = bodyless ? 0 : Number(headers.get('content-length') ?? 0)
    if (announced > this.#options.maxResponseBody) {
      controller.abort(this.#tooLong())
      return
    }
    const body = bodyless ? null : this.#open(controller)
    const answer = { status, statusText: reasonOf(statusText), headers, body, finished: this.#finished.promise }
    if (bodyless) this.#bodyless = answer
    else this.#head.resolve(answer)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.byteLength
    if (this.#received > this.#options.maxResponseBody) {
      controller.abort(this.#tooLong())
      return
    }
    if (this.#stream === undefined || this.#ended) return
    this.#stream.enqueue(chunk)
    if ((this.#stream.desiredSize ?? 0) <= 0) controller.pause()
  }

  onResponseEnd(): void {
    if (!this.#end()) return
    // undici frees the connection in the next turn, by a setImmediate of its own after this call. A caller who hears of the
    // end only then finds it free; one who heard at once would open a second connection for the next request.
    queueMicrotask(() => setImmediate(this.#close))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  #open(controller: Dispatcher.DispatchController): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (stream) => {
          this.#stream = stream
        },
        pull: () => controller.resume(),
        cancel: () => {
          // The last byte may have come, and only the word of it be waiting.
          this.#stream = undefined
          if (this.#end()) controller.abort(new TroupeError('Canceled', 'the body was canceled'))
        },
      },
      { highWaterMark: readAhead, size: (chunk) => chunk.byteLength },
    )
  }

  readonly #close = () => {
    this.#stream?.close()
    if (this.#bodyless !== undefined) this.#head.resolve(this.#bodyless)
  }

  readonly #abort = () => {
    const reason = this.#reason()
    this.#fail(reason)
    this.#controller?.abort(reason)
  }

  #reason(): Error {
    const reason: unknown = this.#options.watch.signal.reason
    return reason instanceof Error ? reason : new TroupeError('Canceled', 'the request has ended')
  }

  #tooLong(): TroupeError {
    const { maxResponseBody } = this.#options
    return invalid(`the answer's body is longer than ${maxResponseBody} bytes: raise maxResponseBody to take it`, { maxResponseBody })
  }

  #fail(thrown: unknown): void {
    if (!this.#end()) return
    this.#head.reject(thrown)
    this.#stream?.error(this.#options.failure(thrown))
  }

  /** Whether this was the first end. */
  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#options.watch.signal.removeEventListener('abort', this.#abort)
    this.#finished.resolve()
    return true
  }
}

/** A reason phrase that `Response` takes (RFC 9112 §4); what breaks the rule is dropped, as it says nothing to programs. */
function reasonOf(text: string): string {
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text) ? text : ''
}
