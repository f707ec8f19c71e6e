import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'
import { TroupeError } from './errors.ts'

/** The cases of Go's own `time` tests. */
const same: readonly (readonly [string, number])[] = [
  ['0s', 0],
  ['1ns', 1e-6],
  ['1.1µs', 1.1e-3],
  ['2.2ms', 2.2],
  ['3.3s', 3300],
  ['4m5s', 245_000],
  ['4m5.001s', 245_001],
  ['5h6m7.001s', 18_367_001],
  ['8m0.000000001s', 480_000.000001],
  ['250ms', 250],
  ['1h0m0s', 3_600_000],
  ['-1m30s', -90_000],
]

describe('parseDuration', () => {
  it.each(same)('%s', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 6)
  })

  it.each([
    ['0', 0],
    ['-0', 0],
    ['+0', 0],
    ['+5s', 5000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['5s', 5000],
    ['1h15m30.918s', 4_530_918],
    ['12us', 12e-3],
    ['12µs', 12e-3],
    ['12μs', 12e-3],
    ['1m1m', 120_000],
    ['39h9m14.425s', 140_954_425],
  ])('%s, as in Go', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 6)
  })

  it.each([
    '',
    '3',
    '-',
    's',
    '.',
    '-.',
    '.s',
    '+.s',
    '1d',
    '5 s',
    ' 5s',
    '5s ',
    '1h-1m',
    '--1s',
    '1e3s',
    '1,5s',
    '9999999h',
    '1S',
    '∞',
  ])('%j is not a duration', (text) => {
    expect(() => parseDuration(text)).toThrow(TroupeError)
  })

  it('rejects a duration longer than 64 bits of nanoseconds', () => {
    expect(() => parseDuration(`${'9'.repeat(400)}h`)).toThrow('too long')
    expect(parseDuration('2562047h47m16s')).toBe(9_223_372_036_000)
  })

  it('adds up any parts', () => {
    const amount = fc.nat({ max: 10_000 })
    const unit = fc.constantFrom('h', 'm', 's', 'ms')
    const scale = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
    fc.assert(
      fc.property(fc.constantFrom('', '-', '+'), fc.array(fc.tuple(amount, unit), { minLength: 1 }), (sign, parts) => {
        const total = parts.reduce((sum, [n, unit]) => sum + n * scale[unit], 0)
        const text = sign + parts.map(([n, unit]) => `${n}${unit}`).join('')
        expect(parseDuration(text)).toBe(sign === '-' && total > 0 ? -total : total)
      }),
    )
  })

  it('throws only Invalid, for any text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from('0123456789.hmsunµ-+ ')) }))
    fc.assert(
      fc.property(text, (text) => {
        try {
          expect(parseDuration(text)).not.toBeNaN()
        } catch (error) {
          expect(error).toMatchObject({ kind: 'Invalid', details: { text } })
        }
      }),
    )
  })
})

describe('formatDuration', () => {
  it.each(same)('%s', (text, ms) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('never shows 60 seconds', () => {
    expect(formatDuration(59_999.999_999_9)).toBe('1m0s')
    expect(formatDuration(3_599_999.999_999_9)).toBe('1h0m0s')
  })

  it('parses to the same duration, to the nanosecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), (ns) => {
        expect(Math.round(parseDuration(formatDuration(ns / 1e6)) * 1e6)).toBe(ns)
      }),
    )
  })
})
