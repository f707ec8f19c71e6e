/**
 * Whether a value could exceed the limits of a message, without encoding it. It is never too low: some values that are
 * found large may well be sent.
 */

/** Values and names of fields. The most expensive ones cost less than 60 units of the budget each. */
const maxValues = 1000
/** Characters and bytes. */
const maxBytes = 32 << 10

export function mayBeTooLarge(value: unknown): boolean {
  if (typeof value !== 'object' && typeof value !== 'string' && typeof value !== 'bigint') return false
  const count = new Count()
  count.add(value)
  return count.isLarge
}

class Count {
  #values = 0
  #bytes = 0
  readonly #seen = new Set<object>()

  get isLarge(): boolean {
    return this.#values > maxValues || this.#bytes > maxBytes
  }

  add(value: unknown): void {
    this.#values += 1
    if (typeof value === 'string') this.#bytes += value.length * 2
    // Its length in bytes is not known without converting it.
    else if (typeof value === 'bigint') this.#bytes += BigInt.asIntN(64, value) === value ? 8 : maxBytes + 1
    else if (typeof value === 'object' && value !== null) this.#addObject(value)
  }

  #addObject(value: object): void {
    if (this.#seen.has(value)) return
    this.#seen.add(value)
    if (ArrayBuffer.isView(value)) this.#bytes += value.buffer.byteLength
    else if (value instanceof ArrayBuffer) this.#bytes += value.maxByteLength
    else if (value instanceof Map) for (const pair of value) this.#addAll(pair)
    else if (value instanceof Set) this.#addAll(value)
    else {
      const names = Object.keys(value)
      this.#values += names.length
      if (!this.isLarge) for (const name of names) this.#addAll([name, Reflect.get(value, name)])
    }
  }

  #addAll(values: Iterable<unknown>): void {
    for (const value of values) {
      if (this.isLarge) return
      this.add(value)
    }
  }
}
