/**
 * Sends frames on a channel between two threads. A frame crosses a channel once: the first time whole, later as its
 * number. Both ends keep the same bounded table. A number is never ambiguous, because only the sender decides which
 * frame is replaced.
 */
import { type Frame, fork, emptyFrame } from './frame.ts'

/** A frame as plain data, with the number that later messages use for it. */
export interface WireFrame {
  readonly number: number
  readonly frame: Frame
}

/** A frame's first crossing, or the number of a frame that crossed before. */
export type FrameReference = number | WireFrame

/** Frames remembered on each side of a channel. */
export const frameTableSize = 1024

/** The sender's end of a channel's table. */
export class FrameEncoder {
  readonly #numbers = new Map<Frame, number>()

  /** Returns what to send in place of `frame`. */
  encode(frame: Frame): FrameReference {
    const known = this.#numbers.get(frame)
    if (known !== undefined) return known
    const number = this.#claim()
    this.#numbers.set(frame, number)
    return { number, frame }
  }

  /** A free number, or that of the oldest frame in the table. */
  #claim(): number {
    if (this.#numbers.size < frameTableSize) return this.#numbers.size
    const [oldest, number] = this.#numbers.entries().next().value ?? [emptyFrame, 0]
    this.#numbers.delete(oldest)
    return number
  }
}

/** The receiver's end of a channel's table. */
export class FrameDecoder {
  readonly #frames: Frame[] = []

  /** Returns the frame that `reference` denotes; `undefined` for a number that never crossed. */
  decode(reference: FrameReference): Frame | undefined {
    if (typeof reference === 'number') return this.#frames[reference]
    const frame = fork(emptyFrame, reference.frame)
    this.#frames[reference.number] = frame
    return frame
  }
}
