/** The line of JSON that precedes a connection's own bytes. Parsed by hand, so that threads do not load zod. */
import type { Socket } from 'node:net'
import type { Refusal } from './error-codes.ts'

const newline = 10
/** No line of the protocol is longer. */
const longest = 16 * 1024

/** A line that was not sent, or is too long. `code` is that of the error, `FIN` for an orderly end. */
export class NoLine extends Error {
  readonly code: string

  constructor(code: string) {
    super(`no line came (${code})`)
    this.code = code
  }
}

/**
 * Reads the first line of `socket`. Afterwards the socket looks untouched: not flowing, without listeners, the rest
 * unread.
 */
export class FirstLine {
  readonly #socket: Socket
  readonly #read = Promise.withResolvers<string>()
  #before: readonly Buffer[] = []
  #length = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', this.#onError).on('end', this.#onEnd).on('close', this.#onEnd).on('readable', this.#onReadable)
  }

  /** @throws NoLine */
  async text(): Promise<string> {
    return this.#read.promise
  }

  /** Stops waiting for the line. */
  abandon(reason: Error): void {
    this.#release()
    this.#read.reject(reason)
  }

  readonly #onReadable = (): void => {
    // A read of exactly the available length does not make the stream report its end yet: the receiver of the socket
    // gets that event.
    const chunk: unknown = this.#socket.read(this.#socket.readableLength || undefined)
    if (!Buffer.isBuffer(chunk)) return
    const end = chunk.indexOf(newline)
    this.#length += end === -1 ? chunk.length : end
    if (this.#length > longest) this.abandon(new NoLine('too long'))
    else if (end === -1) {
      this.#before = [...this.#before, chunk]
      // An end that arrived together with data is reported only after a further read.
      this.#socket.read(0)
    } else {
      this.#release()
      if (end + 1 < chunk.length) this.#socket.unshift(chunk.subarray(end + 1))
      this.#read.resolve(Buffer.concat([...this.#before, chunk.subarray(0, end)]).toString())
    }
  }

  readonly #onError = (error: Error): void =>
    this.abandon(new NoLine('code' in error ? String(error.code) : 'no connection'))

  readonly #onEnd = (): void => this.abandon(new NoLine('FIN'))

  #release(): void {
    const socket = this.#socket
    socket
      .off('error', this.#onError)
      .off('end', this.#onEnd)
      .off('close', this.#onEnd)
      .off('readable', this.#onReadable)
  }
}

/** The fields of a line. */
export type Fields = Readonly<Record<string, unknown>>

/** The reply in a line; `undefined` if it contains none. */
export type JsonReply<T> = { readonly taken: T } | { readonly refused: Refusal } | undefined

/** Returns the reply in a line. `read` extracts the requested value; it returns `undefined` if the value is absent. */
export function readAnswer<T>(fields: Fields | undefined, read: (fields: Fields) => T | undefined): JsonReply<T> {
  if (fields?.['ok'] === true) {
    const taken = read(fields)
    return taken === undefined ? undefined : { taken }
  }
  const { code, error } = fields ?? {}
  return typeof code === 'string' && typeof error === 'string' ? { refused: { code, error } } : undefined
}

/** Returns the object in a line of JSON; `undefined` if there is none. */
export function readFields(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Returns a field that is a list of at least one string. */
export function textsIn(fields: Fields, name: string): readonly string[] | undefined {
  const value: unknown = fields[name]
  if (!Array.isArray(value) || value.length === 0) return undefined
  const texts = value.filter((item) => typeof item === 'string')
  return texts.length === value.length ? texts : undefined
}
