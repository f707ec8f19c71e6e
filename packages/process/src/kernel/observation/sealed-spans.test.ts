import { emptyFrame, fork, formatTrace, setTracer, type Span, type SpanStart } from '@troupe/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { noteClaim, sealedFrame, sealedPlace, sealedSpan, spansPerSecond } from './sealed-spans.ts'

const trace = (digit: string, span = '1') =>
  formatTrace({ traceId: digit.repeat(32), spanId: span.repeat(16), sampled: true })
const inTrace = (place: string) => fork(emptyFrame, { trace: place })
const start = (): SpanStart => ({ name: 'work', kind: 'internal', attributes: {} })

let begun: SpanStart[] = []
beforeEach(() => {
  begun = []
  vi.useFakeTimers({ toFake: ['performance'] })
  setTracer((one): Span => {
    begun.push(one)
    return { trace: trace('f'), set: () => undefined, rename: () => undefined, end: () => undefined }
  })
})
afterEach(() => {
  setTracer(undefined)
  vi.useRealTimers()
})

it('makes spans at the place that was issued, for sealed threads only', () => {
  const frame = inTrace(trace('a'))
  expect(sealedSpan({ thread: { sealed: false }, frame }, start)).toBeUndefined()
  expect(sealedSpan({ thread: { sealed: true }, frame: emptyFrame }, start)).toBeUndefined()
  const inherit = { trace: trace('a', '9') }
  expect(sealedSpan({ thread: { sealed: true }, frame, inherit }, start)).toBeDefined()
  expect(begun).toMatchObject([{ parent: { trace: trace('a') }, attributes: { 'troupe.sealed': true } }])
})

it('makes none in a claimed trace, nor in one that continues a claim', () => {
  const thread = { sealed: true }
  const frame = inTrace(trace('a'))
  const claim = { thread, frame, inherit: { trace: trace('b') } }
  expect([sealedSpan(claim, start), sealedPlace(claim, undefined)]).toEqual([undefined, undefined])
  const issued = inTrace(trace('b'))
  noteClaim(claim, issued)
  const next = { thread, frame: issued, inherit: { trace: trace('b') } }
  expect(sealedSpan(next, start)).toBeUndefined()
  expect(sealedFrame({ thread, frame: issued })).toBe(emptyFrame)
  const further = inTrace(trace('b'))
  noteClaim(next, further)
  expect(sealedSpan({ thread, frame: further }, start)).toBeUndefined()
  // What another thread passes on counts as issued.
  const trusted = inTrace(trace('c'))
  noteClaim({ ...claim, thread: { sealed: false } }, trusted)
  expect(sealedSpan({ thread, frame: trusted }, start)).toBeDefined()
})

it('makes a number of spans in a second, for each thread; others keep their place', () => {
  const thread = { sealed: true }
  const frame = inTrace(trace('a'))
  const work = { thread, frame, inherit: { trace: trace('a', '9') } }
  for (let n = 0; n < spansPerSecond; n += 1) sealedSpan(work, start)
  expect(begun).toHaveLength(spansPerSecond)
  expect([sealedSpan(work, start), sealedFrame(work)]).toEqual([undefined, emptyFrame])
  expect(sealedPlace(work, undefined)).toBe(frame)
  expect(sealedSpan({ ...work, thread: { sealed: true } }, start)).toBeDefined()
  vi.advanceTimersByTime(1000)
  expect(sealedSpan(work, start)).toBeDefined()
})
