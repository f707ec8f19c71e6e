import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyFrame, fork } from './frame.ts'
import { childTrace, formatTrace, newTrace, parseTrace, traceOfFields } from './trace.ts'
import { isTracing, startSpan } from './tracer.ts'

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('traceparent', () => {
  it('is parsed and formatted', () => {
    const parsed = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true }
    expect(parseTrace(trace)).toEqual(parsed)
    expect(formatTrace(parsed)).toBe(trace)
  })

  it('of a later version is read by the common part', () => {
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
  ])('"%s" is invalid', (text) => {
    expect(parseTrace(text)).toBeUndefined()
    expect(parseTrace(childTrace(text))).toBeDefined()
  })

  it('keeps its trace id in a child, with a new span id', () => {
    const parent = newTrace()
    const child = childTrace(parent)
    expect(parseTrace(child)?.traceId).toBe(parseTrace(parent)?.traceId)
    expect(parseTrace(child)?.spanId).not.toBe(parseTrace(parent)?.spanId)
  })

  it('is different each time, and always valid', () => {
    const all = Array.from({ length: 2000 }, newTrace)
    expect(new Set(all).size).toBe(2000)
    expect(all.every((each) => parseTrace(each) !== undefined)).toBe(true)
  })

  it('parses any text without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', 'f', '-', 'g', '1'), maxLength: 60 }), (text) => {
        const parsed = parseTrace(text)
        expect(parsed === undefined || parseTrace(formatTrace(parsed)) !== undefined).toBe(true)
      }),
    )
  })
})

describe('tracestate', () => {
  it('is kept with a valid traceparent alone, and where it is one', () => {
    expect(traceOfFields(trace, 'a=1')).toEqual({ trace, traceState: 'a=1' })
    expect(traceOfFields(trace, undefined)).toEqual({ trace, traceState: undefined })
    for (const wrong of ['', 'a=1\r\nx: y', 'a='.repeat(257), ['a=1']])
      expect(traceOfFields(trace, wrong)).toEqual({ trace, traceState: undefined })
    expect(traceOfFields('00-0-0-01', 'a=1')).toBeUndefined()
    expect(traceOfFields(undefined, 'a=1')).toBeUndefined()
  })

  it('belongs to its trace: another one does not inherit it', () => {
    const frame = fork(emptyFrame, { trace, traceState: 'a=1' })
    expect(fork(frame, { values: { a: 1 } }).traceState).toBe('a=1')
    expect(fork(frame, { trace: newTrace() }).traceState).toBeUndefined()
  })
})

it('there are no spans where no SDK makes them', () => {
  expect([isTracing(), startSpan({ name: 'a', kind: 'internal', attributes: {}, begins: true })]).toEqual([
    false,
    undefined,
  ])
})
