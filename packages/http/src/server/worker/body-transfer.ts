/** Bodies that are streamed from one thread to another, in pieces, as fast as the receiver accepts them. */
import { errorFromWire, errorToWire, TroupeError } from '@troupe/core'
import { bytesOf } from '../request/body-bytes.ts'
import { type BodyPart, window } from './protocol.ts'

export type Post = (part: BodyPart, transfer?: readonly ArrayBuffer[]) => void

/** A body that was read in part. */
export interface Unread {
  readonly reader: ReadableStreamDefaultReader<unknown>
  /** The pieces that were already read. */
  readonly ahead: readonly Uint8Array[]
  /** The read in progress. */
  readonly pending?: ReturnType<ReadableStreamDefaultReader<unknown>['read']>
}

/** The sending side. */
export class BodySender {
  /** Settles when the transfer has ended, with or without success. */
  readonly over: Promise<void>
  readonly #reader: ReadableStreamDefaultReader<unknown>
  readonly #post: Post
  readonly #resolve: () => void
  readonly #ahead: Uint8Array[]
  #pending: Unread['pending']
  #room = 0
  #isSending = false
  #isOver = false

  constructor({ reader, ahead, pending }: Unread, post: Post) {
    this.#reader = reader
    this.#ahead = [...ahead]
    this.#pending = pending
    this.#post = post
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#resolve = resolve
  }

  onPart(part: BodyPart): void {
    if (part.type === 'enough') this.stop('the other side wants no more of the body')
    if (part.type !== 'pull') return
    this.#room += part.pieces
    if (!this.#isSending) void this.#send()
  }

  stop(reason: string): void {
    if (this.#isOver) return
    this.#end()
    this.#reader.cancel(new TroupeError('Canceled', reason)).catch(() => undefined)
  }

  async #send(): Promise<void> {
    this.#isSending = true
    try {
      while (this.#room > 0 && !this.#isOver) {
        const chunk = this.#ahead.shift() ?? (await this.#read())
        if (chunk === undefined || this.#isOver) return
        const piece = new Uint8Array(chunk)
        this.#room -= 1
        this.#post({ type: 'chunk', chunk: piece }, [piece.buffer])
      }
    } catch (error) {
      if (this.#isOver) return
      this.#end()
      this.#reader.cancel(error).catch(() => undefined)
      this.#post({ type: 'broken', error: errorToWire(error) })
    } finally {
      this.#isSending = false
    }
  }

  /** Returns the next piece; undefined at the end. */
  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const reading = this.#pending ?? this.#reader.read()
      this.#pending = undefined
      const { done, value } = await reading
      const chunk = done ? undefined : bytesOf(value)
      if (chunk?.byteLength === 0) continue
      if (chunk !== undefined) return chunk
      if (this.#isOver) return undefined
      this.#end()
      this.#post({ type: 'end' })
      return undefined
    }
  }

  #end(): void {
    this.#isOver = true
    this.#resolve()
  }
}

/** The receiving side. */
export class BodyReceiver {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined
  /** Number of pieces that were requested and have not arrived. */
  #awaited = 0

  constructor(post: Post) {
    const wantMore = (controller: ReadableStreamDefaultController) => {
      const room = (controller.desiredSize ?? 0) - this.#awaited
      if (room <= 0 || (this.#awaited > 0 && room < window / 2)) return
      this.#awaited += room
      post({ type: 'pull', pieces: room })
    }
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: wantMore,
        cancel: () => {
          this.#controller = undefined
          post({ type: 'enough' })
        },
      },
      { highWaterMark: window },
    )
  }

  onPart(part: BodyPart): void {
    const controller = this.#controller
    if (controller === undefined) return
    if (part.type === 'chunk') {
      this.#awaited -= 1
      controller.enqueue(part.chunk)
    } else if (part.type === 'end') {
      this.#controller = undefined
      controller.close()
    } else if (part.type === 'broken') this.fail(errorFromWire(part.error))
  }

  fail(error: unknown): void {
    const controller = this.#controller
    this.#controller = undefined
    controller?.error(error)
  }
}
