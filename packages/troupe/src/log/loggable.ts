/**
 * Converts any value to plain data for a log line: bounded, without cycles. Never throws, even for getters and proxies
 * that do.
 */

/** The maximum depth of objects that are shown. */
const deepest = 8
/** The maximum number of entries of one object or list. */
const widest = 100
/** The maximum number of values in one line. */
const mostValues = 2000
/** The maximum number of characters of one text. */
const longest = 16 * 1024
/** The maximum number of characters that are looked at: a secret at the end of what is shown is found whole. */
const mostLooked = 2 * longest
/** The maximum number of characters that are looked at in all texts of one line. */
const mostOfAll = 8 * longest
const cut = '…'

export interface LoggableOptions {
  /** Returns the part of a text that is shown. */
  readonly text?: (text: string) => string
  /** Returns the replacement for the value of a field; nothing to keep the value. */
  readonly instead?: (key: string) => string | undefined
}

/** Returns a copy of `value` as plain data. */
export function loggable(value: unknown, options: LoggableOptions = {}): unknown {
  return new Loggable(options).show(value)
}

class Loggable {
  readonly #options: LoggableOptions
  readonly #above = new Set<object>()
  #left = mostValues
  #room = mostOfAll

  constructor(options: LoggableOptions) {
    this.#options = options
  }

  show(value: unknown): unknown {
    this.#left -= 1
    if (this.#left < 0) return cut
    try {
      return this.#show(value)
    } catch (error) {
      return `(cannot be shown: ${reasonOf(error)})`
    }
  }

  #show(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
      case 'undefined':
        return value
      case 'object':
        return value === null ? null : this.#inner(value)
      default:
        return this.#text(String(value))
    }
  }

  #text(text: string): string {
    if (this.#room <= 0) return cut
    const looked = text.slice(0, mostLooked)
    this.#room -= looked.length
    const shown = this.#options.text?.(looked) ?? looked
    return shown.length > longest ? `${shown.slice(0, longest)}${cut}` : shown
  }

  #inner(value: object): unknown {
    if (this.#above.has(value)) return '(circular)'
    if (this.#above.size >= deepest) return cut
    this.#above.add(value)
    try {
      return this.#object(value)
    } finally {
      this.#above.delete(value)
    }
  }

  #object(value: object): unknown {
    if (value instanceof Error) return this.#pairs(fieldsOf(value))
    if (value instanceof Date) return value.toJSON()
    if (value instanceof URL || value instanceof RegExp) return this.#text(String(value))
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`
    if (Array.isArray(value)) return this.#list(value, value.length)
    if (value instanceof Set) return this.#list(value, value.size)
    if (value instanceof Map || isHeaders(value)) return this.#pairs(value)
    return this.#pairs(entriesOf(value))
  }

  #list(values: Iterable<unknown>, count: number): unknown {
    const shown: unknown[] = []
    for (const value of values) {
      if (shown.length === widest) {
        shown.push(`${cut} ${count - widest} more`)
        break
      }
      shown.push(this.show(value))
    }
    return shown
  }

  #pairs(pairs: Iterable<readonly [unknown, unknown]>): object {
    const shown: [string, unknown][] = []
    let count = 0
    for (const [key, value] of pairs) {
      count += 1
      if (count > widest) continue
      const name = this.#text(String(key))
      shown.push([name, this.#options.instead?.(name) ?? this.show(value)])
    }
    if (count > widest) shown.push([cut, `${count - widest} more`])
    return Object.fromEntries(shown)
  }
}

/** The global `Headers` loads Node's HTTP client, so it is not read for values that are none. */
function isHeaders(value: object): value is Headers {
  return read(value, Symbol.toStringTag) === 'Headers' && value instanceof Headers
}

function* entriesOf(value: object): Iterable<readonly [string, unknown]> {
  for (const key of Object.keys(value)) yield [key, read(value, key)]
}

/** Name and message first; the stack and the causes last. */
function* fieldsOf(error: Error): Iterable<readonly [string, unknown]> {
  yield ['name', read(error, 'name')]
  yield ['message', read(error, 'message')]
  const own = Object.keys(error).filter((key) => !shown.has(key))
  for (const key of own) {
    const value = read(error, key)
    if (value !== undefined) yield [key, value]
  }
  const details = read(error, 'details')
  if (typeof details === 'object' && details !== null) {
    // The details also contain the own fields of errors from other threads.
    const others = Object.entries(details).filter(([key]) => !own.includes(key))
    if (others.length > 0) yield ['details', Object.fromEntries(others)]
  }
  yield* optional(error, ['errors', 'stack', 'cause'])
}

function* optional(error: Error, keys: readonly string[]): Iterable<readonly [string, unknown]> {
  for (const key of keys) {
    const value = read(error, key)
    if (value !== undefined) yield [key, value]
  }
}

const shown: ReadonlySet<string> = new Set([
  'name',
  'message',
  'details',
  'errors',
  'stack',
  'cause',
  'final',
  'retryable',
])

function read(target: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(target, key)
  } catch (error) {
    return `(cannot be read: ${reasonOf(error)})`
  }
}

function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'unknown'
  }
}
