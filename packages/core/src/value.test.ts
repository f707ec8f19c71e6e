import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { invalid, TroupeError } from './errors.ts'
import { valueFromWire, valueToWire } from './value.ts'

/** Copies a value as a message port does. */
function cross(value: unknown): unknown {
  return valueFromWire(structuredClone(valueToWire(value)))
}

function part(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )
}

/** Two bytes in the middle of a larger buffer. */
function middle(): Uint8Array {
  const all = new Uint8Array(1024).fill(7)
  return all.subarray(10, 12)
}

function memoryOf(value: unknown): number | undefined {
  return ArrayBuffer.isView(value) ? value.buffer.byteLength : undefined
}

describe('a view of a buffer', () => {
  it.each([
    ['Buffer', Buffer.from('hi'), 2],
    ['Uint8Array', middle(), 2],
    ['DataView', new DataView(middle().buffer, 3, 5), 5],
    ['Float64Array', new Float64Array(new ArrayBuffer(64), 8, 2), 16],
    ['BigInt64Array', new BigInt64Array(new ArrayBuffer(64), 8, 1), 8],
    ['of a buffer that can grow', new Uint8Array(new ArrayBuffer(64, { maxByteLength: 128 }), 8, 2), 2],
  ])('is sent with its own bytes only: %s', (_, view, size) => {
    for (const value of [
      view,
      { deep: [view] },
      new Map([['k', view]]),
      new Set([view]),
      [...Array.from({ length: 300 }, () => 0), view],
    ]) {
      const carried = valueToWire(value)
      const found = find(carried)
      expect(memoryOf(found)).toBe(size)
      expect(found).toEqual(view instanceof Buffer ? new Uint8Array(view) : view)
    }
  })

  it('is sent so as a key, as an own field of a class or error, and as a cause', () => {
    class Packet {
      readonly body = middle()
    }
    expect(memoryOf(part(cross(new Packet()), 'body'))).toBe(2)
    expect(memoryOf(find(cross(new Map([[middle(), 1]]))))).toBe(2)
    const error = Object.assign(new Error('x', { cause: middle() }), { body: middle() })
    expect(memoryOf(part(cross(error), 'body'))).toBe(2)
    expect(memoryOf(part(cross(error), 'cause'))).toBe(2)
  })

  it('of shared memory stays shared', () => {
    const view = new Uint8Array(new SharedArrayBuffer(64), 8, 2)
    const got = find(valueToWire({ view }))
    expect(memoryOf(got)).toBe(64)
    view[0] = 9
    expect(part(got, '0')).toBe(9)
  })

  it('is Invalid once its buffer was transferred', () => {
    const view = new Uint8Array(4)
    structuredClone(view, { transfer: [view.buffer] })
    expect(() => valueToWire({ view })).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: { path: 'payload.view' } }),
    )
  })
})

function find(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return value
  if (value instanceof Map) return [...value].flat().map(find).find(Boolean)
  if (value instanceof Set || Array.isArray(value)) return [...value].map(find).find(Boolean)
  return typeof value === 'object' && value !== null ? Object.values(value).map(find).find(Boolean) : undefined
}

describe('a value that would arrive empty is Invalid, with its path', () => {
  class Money {
    readonly #amount = 5
    get amount(): number {
      return this.#amount
    }
  }
  class Job extends EventEmitter {
    readonly id = 5
  }
  class Page extends URL {
    readonly title = 'x'
  }
  it.each([
    ['AbortSignal', AbortSignal.abort()],
    ['AbortController', new AbortController()],
    ['Event', new Event('x')],
    ['CustomEvent', new CustomEvent('x', { detail: 5 })],
    ['EventTarget', new EventTarget()],
    ['EventEmitter', new EventEmitter()],
    ['a class that extends EventEmitter', new Job()],
    ['a class of private fields alone', new Money()],
    ['Promise', Promise.resolve()],
    ['WeakMap', new WeakMap()],
    ['WeakRef', new WeakRef({})],
    ['URL', new URL('http://a')],
    ['a class that extends URL', new Page('http://a')],
    ['URLSearchParams', new URLSearchParams('a=1')],
    ['Headers', new Headers()],
    ['Request', new Request('http://a')],
    ['Response', new Response('a')],
    ['FormData', new FormData()],
    ['ReadableStream', new ReadableStream()],
    ['Readable', Readable.from([])],
    ['TextDecoder', new TextDecoder()],
    ['an iterator', [1].values()],
    ['a generator', (function* () {})()],
    ['a boxed symbol', Object(Symbol('x'))],
    ['Intl.NumberFormat', new Intl.NumberFormat()],
  ])('%s', (_, value) => {
    const message = { kind: 'Invalid', details: { path: 'payload.a[1]' } }
    expect(() => valueToWire({ a: [1, value] })).toThrow(expect.objectContaining(message))
    expect(() => valueToWire({ a: new Set([value]) })).toThrow(
      expect.objectContaining({ details: { path: 'payload.a.item(0)' } }),
    )
    // Also the second time, when the class is already known.
    expect(() => valueToWire({ a: [1, value] })).toThrow(expect.objectContaining(message))
  })

  it.each([
    ['Blob', new Blob(['a'])],
    ['File', new File(['a'], 'b')],
    ['DOMException', new DOMException('a', 'AbortError')],
    ['a class with fields', Object.assign(new Money(), { currency: 'EUR' })],
    ['an object without a prototype', Object.create(null)],
  ])('not %s', (_, value: unknown) => {
    expect(() => valueToWire({ value })).not.toThrow()
  })
})

class PaymentError extends Error {
  readonly code = 'E_PAY'
  readonly amount = { cents: 5 }
}

describe('an error in a value', () => {
  const error = Object.assign(new PaymentError('declined', { cause: new TypeError('no card') }), {
    at: new Map([['a', new RangeError('far')]]),
  })

  it.each([
    ['by itself', error, []],
    ['in an object', { a: { error } }, ['a', 'error']],
    ['in a list', [1, error], ['1']],
    ['in a list with holes', Object.assign([], { 5: error }), ['5']],
  ])('is sent completely: %s', (_, value, path) => {
    expectPayment(part(cross(value), ...path))
  })

  function expectPayment(got: unknown): void {
    expect(got).toBeInstanceOf(Error)
    expect(got).toMatchObject({
      name: 'PaymentError',
      message: 'declined',
      code: 'E_PAY',
      amount: { cents: 5 },
      stack: error.stack,
    })
    expect(part(got, 'cause')).toBeInstanceOf(TypeError)
    const at = part(got, 'at')
    expect(at instanceof Map && at.get('a')).toBeInstanceOf(RangeError)
  }

  it('is sent completely in maps and sets, in its place', () => {
    const map = cross(
      new Map<unknown, unknown>([
        [1, 'a'],
        [error, error],
        [2, error],
      ]),
    )
    expect(
      map instanceof Map && [...map.keys()].map((key: unknown) => (key instanceof Error ? key.message : key)),
    ).toEqual([1, 'declined', 2])
    if (map instanceof Map) for (const value of [...map.values()].slice(1) as unknown[]) expectPayment(value)
    const set = cross(new Set([1, error, 2]))
    expect(
      set instanceof Set && [...set].map((item: unknown) => (item instanceof Error ? item.message : item)),
    ).toEqual([1, 'declined', 2])
  })

  it('keeps its class if that is a class of the language or of Troupe', () => {
    expect(cross(new RangeError('x'))).toBeInstanceOf(RangeError)
    expect(cross(invalid('x', { path: 'a' }))).toBeInstanceOf(TroupeError)
    expect(cross(invalid('x', { path: 'a' }))).toMatchObject({ kind: 'Invalid', details: { path: 'a' } })
    const many = cross(new AggregateError([new TypeError('one'), invalid('two')], 'all'))
    expect(many).toBeInstanceOf(AggregateError)
    expect(part(many, 'errors')).toMatchObject([
      { name: 'TypeError', message: 'one' },
      { kind: 'Invalid', message: 'two' },
    ])
  })

  it('stays the same object if it occurs twice, and in cycles', () => {
    const got = cross({ one: error, two: [error] })
    expect(part(got, 'one')).toBe(part(got, 'two', '0'))
    const round: Error & { self?: unknown } = new Error('round')
    round.self = round
    round.cause = { round }
    expect(cross(round)).toMatchObject({ message: 'round', self: { message: 'round' } })
  })

  it('keeps a cause that is not an error', () => {
    expect(cross(new Error('x', { cause: { status: 500 } }))).toMatchObject({ cause: { status: 500 } })
  })

  it('keeps its kind, retryable and details, even unknown kinds', () => {
    const own = Object.assign(new Error('x'), { kind: 'Conflict', retryable: true, details: { a: 1 } })
    expect(cross(own)).toMatchObject({ kind: 'Conflict', retryable: true, details: { a: 1 } })
    expect(cross(Object.assign(new Error('x'), { kind: 'card', details: ['a'] }))).toMatchObject({
      kind: 'card',
      details: ['a'],
    })
  })

  it('replaces parts that cannot be sent by text', () => {
    expect(cross(Object.assign(new Error('x'), { signal: AbortSignal.abort(), run: () => 5 }))).toMatchObject({
      run: '() => 5',
    })
  })

  it('has a limited size', () => {
    const errors = Array.from({ length: 20 }, (_, i) => new AggregateError([], String(i)))
    for (const one of errors) one.errors.push(...errors)
    expect(JSON.stringify(valueToWire(errors)).length).toBeLessThan(3_000_000)
  })
})

it('a value that imitates an encoded error is sent unchanged', () => {
  const value = { '@troupe': { value: [1], errors: [], gaps: [] } }
  expect(cross(value)).toEqual(value)
  expect(cross({ error: new Error('x'), value })).toMatchObject({ value })
})

it('limits the depth of values to what a default stack can read, independent of the sender’s stack', () => {
  const nested = (depth: number) => {
    let value: unknown = 'x'
    for (let i = 0; i < depth; i += 1) value = { value }
    return value
  }
  expect(cross(nested(1000))).toEqual(nested(1000))
  expect(() => valueToWire(nested(1500))).toThrow(
    expect.objectContaining({ kind: 'Invalid', message: expect.stringContaining('nested') as unknown }),
  )
})

it('deep values are sent or Invalid, and never overflow the stack', () => {
  for (const depth of [1000, 4000, 100_000]) {
    let value: unknown = new Error('x')
    for (let i = 0; i < depth; i += 1) value = [value]
    try {
      structuredClone(valueToWire(value))
    } catch (error) {
      expect(error).toMatchObject({ kind: 'Invalid' })
    }
  }
})
