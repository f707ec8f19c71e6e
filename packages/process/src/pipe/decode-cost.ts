/**
 * What it costs to decode a value, found by a walk over its bytes, before anything is built. A few bytes can stand for
 * many objects: 64 MiB of empty ones take half a minute to decode, in which the kernel does nothing else.
 *
 * The format is V8's (`ValueSerializer`, version 15). Bytes that this walk does not know are refused.
 */

/** Cost of an object, an array, a map, a set, an error, and of a view of a buffer. */
const container = 16
/** Cost of a text, beside its length. */
const text = 4
/** Characters, or bytes of binary data, that cost as much as a number. */
const cheapBytes = 64
/** Values within values, at most. V8 itself encodes fewer. */
const maxDepth = 5000

/** The bytes are no value, or cost more than is allowed. */
export class DecodeError extends Error {}

/** @throws DecodeError where `bytes` are no encoded value, or decoding them costs more than `budget`. */
export function checkDecodeCost(bytes: Uint8Array, budget: number): void {
  const walk = new Walk(bytes, budget)
  try {
    walk.header()
    walk.value(0)
    walk.end()
  } catch (error) {
    // The stack of this thread is what it is: V8 would not decode such a value either.
    throw error instanceof RangeError ? new DecodeError('values are nested too deep') : error
  }
}

class Walk {
  readonly #bytes: Uint8Array
  #at = 0
  #left: number

  constructor(bytes: Uint8Array, budget: number) {
    this.#bytes = bytes
    this.#left = budget
  }

  header(): void {
    if (this.#byte() !== 0xff) throw new DecodeError('it does not begin with a version')
    this.#varint()
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new DecodeError('something follows the value')
  }

  value(depth: number): void {
    if (depth > maxDepth) throw new DecodeError('values are nested too deep')
    this.#spend(1)
    const tag = this.#tag()
    switch (tag) {
      case '_':
      case '0':
      case 'T':
      case 'F':
      case '-':
      case 'y':
      case 'x':
        return
      case 'I':
      case 'U':
      case '^':
        this.#varint()
        return
      case 'N':
      case 'D':
      case 'n':
        this.#skip(8)
        return
      case 'Z':
      case 'z':
        this.#skip(this.#varint() >> 1)
        return
      case '"':
      case 'c':
      case 'S':
        this.#text()
        return
      case 's':
        this.value(depth + 1)
        return
      case 'R':
        this.value(depth + 1)
        this.#varint()
        return
      case 'B':
        this.#buffer(this.#varint())
        return
      case '~':
        this.#resizable()
        return
      case 'V':
        this.#view()
        return
      case 'o':
        this.#members('{', depth, 1)
        return
      case 'a':
        this.#varint()
        this.#members('@', depth, 2)
        return
      case 'A':
        this.#dense(depth)
        return
      case ';':
        this.#members(':', depth, 1)
        return
      case "'":
        this.#members(',', depth, 1)
        return
      case 'r':
        this.#error(depth)
        return
      default:
        throw new DecodeError(`nothing is encoded as ${JSON.stringify(tag)}`)
    }
  }

  /** Values until `end`, after which come numbers that V8 compares. */
  #members(end: string, depth: number, numbers: number): void {
    this.#spend(container)
    while (!this.#isNext(end)) this.value(depth + 1)
    for (let n = 0; n < numbers; n += 1) this.#varint()
    this.#viewOf()
  }

  #dense(depth: number): void {
    const length = this.#varint()
    this.#spend(container)
    for (let n = 0; n < length; n += 1) this.value(depth + 1)
    this.#members('$', depth, 2)
  }

  /** A field after a field, each with its own kind of value. */
  #error(depth: number): void {
    this.#spend(container)
    for (;;) {
      const tag = this.#tag()
      switch (tag) {
        case 'E':
        case 'R':
        case 'F':
        case 'S':
        case 'T':
        case 'U':
          break
        case 'm':
        case 's':
        case 'c':
          this.value(depth + 1)
          break
        case '.':
          return
        default:
          throw new DecodeError(`no field of an error is encoded as ${JSON.stringify(tag)}`)
      }
    }
  }

  #text(): void {
    const length = this.#varint()
    this.#spend(text + length / cheapBytes)
    this.#skip(length)
  }

  #buffer(length: number): void {
    this.#spend(container + length / cheapBytes)
    this.#skip(length)
    this.#viewOf()
  }

  #resizable(): void {
    const length = this.#varint()
    // It takes the memory that it may grow to.
    const most = this.#varint()
    this.#spend(most / cheapBytes)
    this.#buffer(length)
  }

  /** A buffer may be followed by the view of it that was meant. */
  #viewOf(): void {
    if (this.#bytes[this.#at] !== 'V'.charCodeAt(0)) return
    this.#at += 1
    this.#view()
  }

  #view(): void {
    this.#spend(container)
    this.#byte()
    // Offset, length, flags.
    for (let n = 0; n < 3; n += 1) this.#varint()
  }

  #isNext(tag: string): boolean {
    this.#padding()
    if (this.#at >= this.#bytes.length) throw new DecodeError('it ends within a value')
    if (this.#bytes[this.#at] !== tag.charCodeAt(0)) return false
    this.#at += 1
    return true
  }

  #tag(): string {
    this.#padding()
    return String.fromCharCode(this.#byte())
  }

  #padding(): void {
    while (this.#at < this.#bytes.length && this.#bytes[this.#at] === 0) {
      this.#spend(1)
      this.#at += 1
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new DecodeError('it ends within a value')
    this.#at += 1
    return byte
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte()
      if (shift < 32) value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
      if (shift > 63) throw new DecodeError('a number is too long')
    }
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new DecodeError('it ends within a value')
    this.#at += length
  }

  #spend(cost: number): void {
    this.#left -= cost
    if (!(this.#left >= 0)) throw new DecodeError('it holds more values than one message may')
  }
}
