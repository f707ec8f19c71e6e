/**
 * What a caller wrote to a socket before its connection stands. Node holds it back until the `connect` event. An
 * overlay may send it with its request. If the connection then fails without a reply, it fails as one that carried it.
 */
import type { Socket } from 'node:net'
import type { EarlyData } from '../../overlay/overlay.ts'
import { property } from '../../sockets/internals.ts'
import { isCallable } from '../node/patch.ts'

/** Bytes that are sent early at most, all or none. */
const most = 16 * 1024

export class EarlyWrites implements EarlyData, Disposable {
  readonly #socket: Socket
  readonly #isOver: () => boolean
  #isSpent = false
  /** What replaces the socket's `_writeGeneric`. */
  #held: unknown

  /** @param isOver - Whether the life of the socket that these writes belong to has ended. */
  constructor(socket: Socket, isOver: () => boolean) {
    this.#socket = socket
    this.#isOver = isOver
  }

  get isOnce(): boolean {
    return this.#isSpent || this.#pending !== undefined
  }

  get isSpent(): boolean {
    return this.#isSpent
  }

  take(): Buffer | undefined {
    const bytes = this.#isSpent ? undefined : this.#pending
    if (bytes === undefined) return undefined
    this.#isSpent = true
    const socket = this.#socket
    const data = property(socket, '_pendingData')
    const value = (...args: readonly unknown[]): unknown => {
      this[Symbol.dispose]()
      const [, written, , done] = args
      const write = property(socket, '_writeGeneric')
      // Texts are compared by value: the next life may write the same one.
      if (this.#isOver() || written !== data) return isCallable(write) ? Reflect.apply(write, socket, args) : undefined
      Object.assign(socket, { _pendingData: null, _pendingEncoding: '' })
      return isCallable(done) ? Reflect.apply(done, undefined, []) : undefined
    }
    // Node calls this with the same data as soon as the socket is connected.
    this.#held = value
    Object.defineProperty(socket, '_writeGeneric', { value, configurable: true, writable: true })
    return bytes
  }

  /** The socket is connected, or will not be. It may have another life already. */
  [Symbol.dispose](): void {
    if (this.#held !== undefined && property(this.#socket, '_writeGeneric') === this.#held)
      Reflect.deleteProperty(this.#socket, '_writeGeneric')
  }

  get #pending(): Buffer | undefined {
    if (this.#isOver()) return undefined
    const bytes = bytesOf(property(this.#socket, '_pendingData'), property(this.#socket, '_pendingEncoding'))
    return bytes === undefined || bytes.length === 0 || bytes.length > most ? undefined : bytes
  }
}

/** A write is bytes, or a text in an encoding; several writes are a list of those. */
function bytesOf(data: unknown, encoding: unknown): Buffer | undefined {
  if (typeof data === 'string')
    return Buffer.from(data, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (!Array.isArray(data)) return undefined
  const parts = data.map((write: unknown) =>
    write instanceof Uint8Array ? bytesOf(write, '') : bytesOf(property(write, 'chunk'), property(write, 'encoding')),
  )
  return parts.every((part) => part !== undefined) ? Buffer.concat(parts) : undefined
}
