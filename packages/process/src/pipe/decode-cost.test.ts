import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBudget } from '../protocol/message-budget.ts'
import { decode, encode } from './codec.ts'
import { checkDecodeCost, DecodeError } from './decode-cost.ts'

/** Decodes only what the walk has let through. */
function walked(value: unknown): unknown {
  const bytes = encode(value)
  checkDecodeCost(bytes, messageBudget)
  return decode(bytes)
}

const circle: Record<string, unknown> = { text: 'a' }
circle['self'] = circle

describe('the cost of decoding a value', () => {
  it.each<[string, unknown]>([
    ['scalars', [undefined, null, true, false, 0, -0, 1, -1, 1.5, 2 ** 40, Number.NaN, 10n, -(2n ** 70n)]],
    ['texts', ['', 'a', 'ä', '日本', 'x'.repeat(100_000), '日'.repeat(10_000)]],
    ['boxed scalars', [Object(1), Object('s'), Object(true), Object(1n)]],
    ['dates and patterns', [new Date(5), /a/giu]],
    [
      'objects and lists',
      [{}, [], { a: { b: [1, [2]] } }, Array.from({ length: 50 }), Object.assign([1, 2], { key: 'v' })],
    ],
    // oxlint-disable-next-line no-sparse-arrays -- Holes are encoded in a way of their own.
    ['lists with holes', [[, 1, , 2], Object.assign([, 1], { key: [] })]],
    ['maps and sets', [new Map<unknown, unknown>([[{ a: 1 }, new Set([[1]])]]), new Set([new Map()])]],
    [
      'buffers and views',
      [
        new ArrayBuffer(9),
        new Uint8Array(5),
        new DataView(new ArrayBuffer(9), 1, 3),
        new Float64Array(3),
        Buffer.from('b'),
      ],
    ],
    [
      'buffers that grow',
      [new ArrayBuffer(4, { maxByteLength: 100 }), new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))],
    ],
    ['errors', new TypeError('outer', { cause: new RangeError('inner', { cause: { a: [1] } }) })],
    ['a circle', circle],
  ])('covers %s', (_, value) => {
    expect(walked(value)).toEqual(decode(encode(value)))
  })

  it('covers everything that is encoded', () => {
    const value = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBigInt: true,
    })
    fc.assert(
      fc.property(value, (any) => {
        let encoded: Uint8Array
        try {
          encoded = encode(any)
        } catch {
          return
        }
        checkDecodeCost(encoded, messageBudget)
      }),
    )
  })

  it('throws only its own error, for any bytes', () => {
    const flipped = fc.tuple(fc.anything(), fc.nat(), fc.nat({ max: 255 })).map(([any, at, byte]) => {
      try {
        const bytes = encode(any)
        bytes[at % bytes.length] = byte
        return bytes
      } catch {
        return new Uint8Array([0xff, 15, byte])
      }
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), flipped), (bytes) => {
        try {
          checkDecodeCost(bytes, 10_000)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['many objects', encode(Array.from({ length: 70_000 }, () => ({}))), /more values than one message may/],
    ['many numbers', encode(Array.from({ length: 1_100_000 }, (_, n) => n)), /more values than one message may/],
    ['one list of a length alone', Uint8Array.of(0xff, 15, 0x41, 0xff, 0xff, 0xff, 0x7f), /ends within a value/],
    [
      'one buffer that could grow',
      Uint8Array.of(0xff, 15, 0x7e, 0, 0xff, 0xff, 0xff, 0xff, 0x0f),
      /more values than one message may/,
    ],
    ['depth', Uint8Array.from([0xff, 15, ...Array.from({ length: 6000 }, () => [0x41, 1]).flat()]), /nested too deep/],
    ['two values', Uint8Array.of(0xff, 15, 0x30, 0x30), /something follows/],
    ['half a value', Uint8Array.of(0xff, 15, 0x22, 5, 0x41), /ends within a value/],
    ['an object of the host', Uint8Array.of(0xff, 15, 0x5c, 0), /nothing is encoded as/],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => {
      checkDecodeCost(bytes, messageBudget)
    }).toThrow(words)
  })

  it('allows much data that costs little', () => {
    expect(walked({ bytes: new Uint8Array(16 << 20), text: 'x'.repeat(16 << 20) })).toMatchObject({
      text: expect.any(String) as unknown,
    })
  })
})
