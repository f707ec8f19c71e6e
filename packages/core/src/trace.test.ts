import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childTrace, formatTrace, newTrace, parseTrace } from './trace.ts'

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('traceparent', () => {
  it('is taken apart and put together', () => {
    const parsed = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true }
    expect(parseTrace(trace)).toEqual(parsed)
    expect(formatTrace(parsed)).toBe(trace)
  })

  it('of a later version is read by what it shares', () => {
    expect(parseTrace(`01${trace.slice(2, -2)}03-more`)).toMatchObject({ spanId: '00f067aa0ba902b7', sampled: true })
  })

  it.each([
    '',
    'nonsense',
    trace.toUpperCase(),
    `${trace}-more`,
    `ff${trace.slice(2)}`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    ` ${trace}`,
  ])('"%s" is none', (text) => {
    expect(parseTrace(text)).toBeUndefined()
    expect(parseTrace(childTrace(text))).toBeDefined()
  })

  it('keeps its trace in a child, and gets another span', () => {
    const parent = newTrace()
    const child = childTrace(parent)
    expect(parseTrace(child)?.traceId).toBe(parseTrace(parent)?.traceId)
    expect(parseTrace(child)?.spanId).not.toBe(parseTrace(parent)?.spanId)
  })

  it('is different each time, and always one', () => {
    const all = Array.from({ length: 2000 }, newTrace)
    expect(new Set(all).size).toBe(2000)
    expect(all.every((each) => parseTrace(each) !== undefined)).toBe(true)
  })

  it('parses anything without a throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', 'f', '-', 'g', '1'), maxLength: 60 }), (text) => {
        const parsed = parseTrace(text)
        expect(parsed === undefined || parseTrace(formatTrace(parsed)) !== undefined).toBe(true)
      }),
    )
  })
})
