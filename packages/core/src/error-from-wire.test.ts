/** Errors and values in the form that crosses threads, as hostile code writes them. */
import { describe, expect, it } from 'vitest'
import { errorFromWire } from './error-from-wire.ts'
import { isErrorKind, TroupeError } from './errors.ts'
import { valueFromWire } from './value.ts'
import { boxKey } from './value-wire/plain-copy.ts'
import { isOpaque, opaque } from './value-wire/value-wire.ts'
import type { WireError } from './wire-error.ts'

/** What arrives is typed by its receiver, not by its sender. */
function wire(carried: unknown): WireError
function wire(carried: unknown): unknown {
  return carried
}

const plain = { name: 'Error', kind: 'Unknown', message: 'm', retryable: false, final: false, details: {} }
const box = (value: unknown, gaps: unknown, errors: unknown = [plain]) => ({
  [boxKey]: { value: [value], errors, gaps },
})

/** An object that contains itself. */
function cyclic(field: string): object {
  const error: Record<string, unknown> = { ...plain }
  error[field] = error
  return error
}

function cyclicBox(): object {
  const error: Record<string, unknown> = { ...plain, base: 'TypeError' }
  const holder: unknown[] = [undefined]
  error['details'] = box({ list: holder }, [{ in: holder, at: 0, as: 'property', error: 0 }], [error])
  return error
}

function depthOf(error: unknown): number {
  let depth = 0
  for (let at = error; at instanceof Error; at = at.cause) depth += 1
  return depth
}

describe('an error that is rebuilt', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['a list', [1]],
    ['no fields', {}],
    ['fields of other types', { name: {}, kind: 7, message: [], retryable: 1, final: 'x', details: 5, stack: {} }],
    ['a cause that is none', { ...plain, cause: 5 }],
    ['its own cause', cyclic('cause')],
    ['its own details', cyclic('details')],
    ['its own fields', cyclic('fields')],
    ['a value that is its own cause', { ...plain, isValue: true, cause: { ...cyclic('cause'), isValue: true } }],
    ['a box within itself', cyclicBox()],
    ['a box without lists', { ...plain, details: { [boxKey]: {} } }],
    ['a box of nothing', { ...plain, details: { [boxKey]: null } }],
    ['a kind of its own', { ...plain, kind: 'toString' }],
    ['fields that an error has already', { ...plain, base: 'Error', fields: { stack: {}, message: {}, name: 1 } }],
  ])('is an error, whatever came: %s', (_, carried) => {
    const error = errorFromWire(wire(carried))
    expect(error).toBeInstanceOf(TroupeError)
    expect(isErrorKind(error.kind)).toBe(true)
    expect([typeof error.name, typeof error.message, typeof error.stack]).toEqual(['string', 'string', 'string'])
    expect(depthOf(error)).toBeLessThan(20)
  })

  it('has no more causes than an error may', () => {
    let chain: object = plain
    for (let depth = 0; depth < 5000; depth += 1) chain = { ...plain, cause: chain }
    expect(depthOf(errorFromWire(wire(chain)))).toBeLessThan(20)
  })

  it('takes its details, fields and causes from a limited part of what came', () => {
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`f${n}`, n]))
    const errors = Array.from({ length: 5000 }, () => ({ ...plain, base: 'Error', fields }))
    const holder: unknown[] = errors.map(() => undefined)
    const gaps = holder.map((_, at) => ({ in: holder, at, as: 'property', error: at }))
    const list = valueFromWire(box(holder, gaps, errors))
    const sizes = Array.isArray(list) ? list.map((error: object) => Object.keys(error).length) : []
    expect(sizes).toHaveLength(5000)
    expect(Math.max(...sizes)).toBeLessThan(2000)
    expect(sizes.filter((size) => size > 0).length).toBeLessThan(1000)
  })
})

describe('a value that is no box of ours arrives as it is', () => {
  const bytes = new BigInt64Array(2)
  const list: unknown[] = []
  it.each([
    ['lists that are none', { [boxKey]: { value: 1, errors: 2, gaps: 3 } }],
    ['a hole among the gaps', box({}, Array.from({ length: 1 }))],
    ['a gap in a number', box({}, [{ in: 5, at: 'x', as: 'property', error: 0 }])],
    ['a gap in numbers', box(bytes, [{ in: bytes, at: 0, as: 'property', error: 0 }])],
    ['a gap in an expression', box({}, [{ in: /x/, at: 'lastIndex', as: 'property', error: 0 }])],
    ['a gap at the length', box(list, [{ in: list, at: 'length', as: 'property', error: 0 }])],
    ['a gap far beyond the end', box(list, [{ in: list, at: 4_294_967_294, as: 'property', error: 0 }])],
    ['a gap far beyond the end, as text', box(list, [{ in: list, at: '4294967294', as: 'property', error: 0 }])],
    ['a gap at an object', box({}, [{ in: {}, at: {}, as: 'property', error: 0 }])],
  ])('%s', (_, carried) => {
    expect(valueFromWire(structuredClone(carried))).toEqual(carried)
  })

  it('and a field named __proto__ is only a field', () => {
    const holder = {}
    const opened = valueFromWire(
      structuredClone(box(holder, [{ in: holder, at: '__proto__', as: 'property', error: 0 }])),
    )
    expect(Object.getPrototypeOf(opened)).toBe(Object.prototype)
    expect(Object.keys(opened ?? {})).toEqual(['__proto__'])
  })

  it('items of large sets are replaced in one pass', () => {
    const stands = Array.from({ length: 20_000 }, () => ({}))
    const holder = new Set<unknown>(stands)
    const gaps = stands.map((at) => ({ in: holder, at, as: 'item', error: 0 }))
    const found = valueFromWire(box(holder, gaps))
    expect(found instanceof Set && found.size).toBe(1)
  })
})

describe('a value as bytes', () => {
  it('is decoded once, and only where it is the whole value', () => {
    const bytes = opaque({ a: 1 })
    expect(valueFromWire(bytes)).toEqual({ a: 1 })
    expect(isOpaque(valueFromWire(opaque(bytes)))).toBe(true)
    expect(valueFromWire(box(bytes, []))).toEqual(bytes)
    expect(errorFromWire(wire({ ...plain, details: bytes })).details).not.toHaveProperty('a')
  })

  it('is nothing where it cannot be decoded', () => {
    expect(valueFromWire({ [boxKey]: { bytes: new Uint8Array([1, 2, 3]) } })).toBeUndefined()
  })
})
