/**
 * Finds where a Zstandard frame ends (RFC 8878 §3.1). A body may consist of several frames, and the decoder of Node 24
 * stops after the first without an error (`docs/discoveries/0059-zstd-frames.md`).
 */
/** Number of bytes that show the kind of frame. */
export const zstdMagicBytes = 4
const magic = 0xfd_2f_b5_28
const skippable = 0x18_4d_2a_50
const bytesOfDictionary = [0, 1, 2, 4]
const bytesOfLength = [0, 2, 4, 8]
const runOfOneByte = 1

type Part = 'magic' | 'descriptor' | 'skippable' | 'block'

export class ZstdFrame {
  /**
   * Whether the frame holds data for other uses, which is no part of the content; known after {@link zstdMagicBytes}.
   */
  isSkippable = false
  #part: Part = 'magic'
  /** Bytes that are missing until {@link #number} is read. */
  #missing = zstdMagicBytes
  #number = 0
  #shift = 0
  /** Bytes to skip before the next number. */
  #pass = 0
  #checksum = false
  /** Whether it is not a frame: then it has no end. */
  #isNone = false

  /** Returns the number of bytes of `piece` that belong to the frame, `undefined` where it continues after them. */
  take(piece: Uint8Array): number | undefined {
    let at = 0
    while (at < piece.length && !this.#isNone) {
      if (this.#pass > 0) {
        const passed = Math.min(this.#pass, piece.length - at)
        this.#pass -= passed
        at += passed
      } else {
        // Up to 4 bytes, the lowest first.
        this.#number += (piece[at] ?? 0) * 2 ** this.#shift
        this.#shift += 8
        this.#missing -= 1
        at += 1
        if (this.#missing === 0) this.#read(this.#number)
      }
      if (!this.#isNone && this.#pass === 0 && this.#missing === 0) return at
    }
    return undefined
  }

  #read(number: number): void {
    switch (this.#part) {
      case 'magic':
        if (number === magic) this.#next('descriptor', 1)
        else if (number >>> 4 === skippable >>> 4) {
          this.isSkippable = true
          this.#next('skippable', 4)
        } else this.#isNone = true
        return
      case 'descriptor': {
        const single = (number & 0x20) !== 0
        const length = bytesOfLength[number >> 6] ?? 0
        this.#checksum = (number & 0x04) !== 0
        this.#pass = (single ? 0 : 1) + (bytesOfDictionary[number & 3] ?? 0) + (length === 0 && single ? 1 : length)
        this.#next('block', 3)
        return
      }
      case 'skippable':
        this.#end(number)
        return
      case 'block': {
        const size = ((number >> 1) & 3) === runOfOneByte ? 1 : number >>> 3
        if ((number & 1) === 1) this.#end(size + (this.#checksum ? 4 : 0))
        else {
          this.#pass = size
          this.#next('block', 3)
        }
        return
      }
    }
  }

  #next(part: Part, missing: number): void {
    this.#part = part
    this.#missing = missing
    this.#number = 0
    this.#shift = 0
  }

  #end(pass: number): void {
    this.#pass = pass
    this.#missing = 0
  }
}
