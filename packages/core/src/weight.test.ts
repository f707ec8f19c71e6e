import { describe, expect, it } from 'vitest'
import { weigh, weighKept } from './weight.ts'

describe('weight', () => {
  it.each<[unknown, number]>([
    ['', 0],
    ['four', 4],
    [undefined, 8],
    [1, 8],
    [{}, 16],
    [{ key: 'value' }, 16 + 16 + 3 + 5],
    [{ key: 'value', a: 1, b: null, c: undefined }, 16 + 16 + 3 + 5 + 3 * (16 + 1 + 8)],
    [{ a: {} }, 16 + 16 + 1 + 16],
    [Object.assign(Object.create({ inherited: 1 }), { key: 'value' }), 16 + 16 + 3 + 5],
    [[1, 'ab'], 16 + 16 + 8 + 2],
    [new Uint8Array(100), 116],
    [new Map([['a', 1]]), 16 + 16 + 1 + 8],
    [new Set(['ab']), 16 + 8 + 2],
    [10n, 9],
    [Object.assign([1], { ab: 'cd' }), 16 + 16 + 8 + 2],
    [{ memory: [new SharedArrayBuffer(1)] }, Infinity],
    [new Uint8Array(new SharedArrayBuffer(1)), Infinity],
  ])('of %s is %d', (value, expected) => {
    expect(weigh(value, 1000)).toBe(expected)
  })

  it('is counted up to the limit only', () => {
    const circle: unknown[] = []
    circle.push(circle, circle)
    expect(weigh(circle, 1000)).toBeGreaterThan(1000)
    expect(weigh(circle, 1000)).toBeLessThan(1100)
    expect(weigh(Array.from({ length: 1e6 }), 1000)).toBeLessThan(1100)
    expect(weigh(Object.fromEntries(Array.from({ length: 1e5 }, (_, n) => [n, n])), 1000)).toBeLessThan(1100)
  })

  it('of what is kept counts an object once, and a view with its buffer', () => {
    const circle: unknown[] = [1]
    circle.push(circle, circle)
    expect(weighKept(circle, 1000)).toBe(16 + 3 * 8 + 8)
    const shared: unknown[] = [Array.from({ length: 40 }).reduce((inner) => [inner, inner], 'x')]
    expect(weighKept(shared, 10_000)).toBeLessThan(41 * 32 + 100)
    const buffer = new ArrayBuffer(100)
    expect(weighKept([new Uint8Array(buffer, 0, 1), new DataView(buffer)], 1000)).toBe(16 + 2 * 8 + 2 * 16 + 116)
    expect(weighKept({ key: 'value' }, 1000)).toBe(weigh({ key: 'value' }, 1000))
    expect(weighKept(new Uint8Array(new SharedArrayBuffer(1)), 1000)).toBe(Infinity)
  })
})
