import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeWithin, payloadLimit } from './codec.ts'
import { mayBeTooLarge } from './size-estimate.ts'

const small: readonly unknown[] = [
  undefined,
  null,
  1,
  true,
  'text',
  {},
  [],
  new Map([[1, { a: [1n] }]]),
  new Uint8Array(9),
]
const large: readonly (readonly [string, unknown])[] = [
  ['objects', Array.from({ length: 60_000 }, () => ({}))],
  ['numbers', Array.from({ length: 1_000_000 }, (_, n) => n)],
  ['a nested list', [[[Array.from({ length: 60_000 }, () => [])]]]],
  ['a map', new Map(Array.from({ length: 60_000 }, (_, n) => [n, {}]))],
  ['a set', new Set(Array.from({ length: 1_000_000 }, (_, n) => n))],
  ['an object of many fields', Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`a${n}`, n]))],
  [
    'a list with fields of its own',
    Object.assign([1], Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`a${n}`, n]))),
  ],
  ['bytes', new Uint8Array(65 << 20)],
  ['a small view of a large buffer', new Uint8Array(65 << 20).subarray(0, 1)],
  ['a buffer that may grow', new ArrayBuffer(1, { maxByteLength: 65 << 20 })],
  ['a text', 'x'.repeat(65 << 20)],
  ['a number', 1n << BigInt(65 << 23)],
]

it.each(small)('is small: %s', (value) => {
  expect(mayBeTooLarge(value)).toBe(false)
})

it.each(large)('may be too large: %s', (_, value) => {
  expect(mayBeTooLarge(value)).toBe(true)
  expect(mayBeTooLarge({ deep: [value] })).toBe(true)
})

it('is never found small where a message refuses it', () => {
  const value = fc.anything({
    maxDepth: 4,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
  })
  const property = fc.property(value, fc.integer({ min: 1, max: 3000 }), (item, count) => {
    const list = Array.from({ length: count }, () => structuredClone(item))
    if (mayBeTooLarge(list)) return
    encodeWithin(list, payloadLimit)
  })
  fc.assert(property, { numRuns: 100 })
})
