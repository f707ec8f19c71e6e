/**
 * The frames on the pipes between the kernel and an operating-system process: length, channel, payload. Neither side
 * decodes the payload of a channel between two threads.
 */

/** The channel between a thread and the kernel. */
export const kernelChannel = 0
/** Maximum payload length. Nothing is stored of a frame that announces more. */
export const maxPayload = 64 << 20

const headerSize = 8
const channelAt = 4

/** The channel to another thread. A frame without a payload closes it. */
export function channelOf(thread: number): number {
  return thread + 1
}

export function threadOfChannel(channel: number): number {
  return channel - 1
}

/** The header of a frame. */
export function frameHeader(channel: number, length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(headerSize))
  header.setUint32(0, length, true)
  header.setUint32(channelAt, channel, true)
  return new Uint8Array(header.buffer)
}

/** Receives a payload, which shares its memory with nothing. Returns whether more frames may follow in this turn. */
export type OnFrame = (channel: number, payload: Uint8Array<ArrayBuffer>) => boolean

/** Reads frames from a stream of bytes. */
export class FrameReader {
  readonly #onFrame: OnFrame
  readonly #header = new DataView(new ArrayBuffer(headerSize))
  #headerFilled = 0
  #payload: Uint8Array<ArrayBuffer> | undefined
  #filled = 0

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  /**
   * Reads bytes from index `from` on, and returns how many bytes of the chunk were consumed: all, unless `onFrame`
   * stopped it.
   *
   * @throws RangeError for a frame that is too long; the stream is unusable afterwards.
   */
  push(chunk: Uint8Array, from = 0): number {
    let at = from
    while (at < chunk.length) {
      if (this.#payload === undefined) at = this.#readHeader(chunk, at)
      const payload = this.#payload
      if (payload === undefined) return at
      const part = chunk.subarray(at, at + payload.length - this.#filled)
      payload.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled < payload.length) return at
      this.#payload = undefined
      this.#headerFilled = 0
      if (!this.#onFrame(this.#header.getUint32(channelAt, true), payload)) return at
    }
    return at
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from
    while (this.#headerFilled < headerSize && at < chunk.length) {
      this.#header.setUint8(this.#headerFilled, chunk[at] ?? 0)
      this.#headerFilled += 1
      at += 1
    }
    if (this.#headerFilled < headerSize) return at
    const length = this.#header.getUint32(0, true)
    if (length > maxPayload) throw new RangeError(`a frame of ${length} bytes, where ${maxPayload} are allowed`)
    this.#payload = new Uint8Array(length)
    this.#filled = 0
    return at
  }
}
