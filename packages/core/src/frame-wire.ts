/**
 * Sends frames on a channel between two threads. A frame crosses a channel once: the first time whole, later as its
 * number. Both ends keep the same bounded table. A number is never ambiguous, because only the sender decides which
 * frame is replaced.
 */
import { emptyFrame, fork, type Frame, type OverlayChoice } from './frame.ts'

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
  /** The frames of the table, by their number. */
  readonly #frames: Frame[] = []
  /** The number that the next frame gets: that of the oldest one, when the table is full. */
  #next = 0
  /** Stands for all frames that have this overlay and nothing else, such as those of spawned processes. */
  readonly #plain = new Map<OverlayChoice, Frame>()

  /** Returns what to send in place of `frame`. */
  encode(frame: Frame): FrameReference {
    const known = this.#numbers.get(frame)
    if (known !== undefined) return known
    if (!isPlain(frame)) return this.#add(frame)
    const same = this.#plain.get(frame.overlay)
    if (same === undefined) {
      this.#plain.set(frame.overlay, frame)
      return this.#add(frame)
    }
    return this.#numbers.get(same) ?? this.#add(same)
  }

  #add(frame: Frame): WireFrame {
    const number = this.#next
    this.#next = (number + 1) % frameTableSize
    const replaced = this.#frames[number]
    if (replaced !== undefined) this.#numbers.delete(replaced)
    this.#frames[number] = frame
    this.#numbers.set(frame, number)
    return { number, frame }
  }
}

function isPlain({ actor, scope, values, deadline, trace, traceState }: Frame): boolean {
  if (actor !== undefined || scope !== undefined || deadline !== undefined) return false
  return trace === undefined && traceState === undefined && Object.keys(values).length === 0
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
