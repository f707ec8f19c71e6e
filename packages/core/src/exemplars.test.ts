import { describe, expect, it } from 'vitest'
import { exemplarSize, newestExemplars, readExemplar, writeExemplar } from './exemplars.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = '00f067aa0ba902b7'
const traceOf = (id: string, flags = '01') => `00-${id}-${spanId}-${flags}`

describe('an exemplar', () => {
  it('is the last request of a sampled trace', () => {
    const memory = new Float64Array(exemplarSize)
    expect(readExemplar(memory, 0)).toBeUndefined()
    writeExemplar(memory, 0, traceOf(traceId, '00'), 0.1)
    expect(readExemplar(memory, 0)).toBeUndefined()
    writeExemplar(memory, 0, traceOf(traceId), 0.25)
    expect(readExemplar(memory, 0)).toEqual({ traceId, spanId, seconds: 0.25, time: expect.any(Number) as number })
    const other = 'f'.repeat(32)
    writeExemplar(memory, 0, traceOf(other), 0.3)
    expect(readExemplar(memory, 0)).toMatchObject({ traceId: other, seconds: 0.3 })
  })

  it.each([
    [0, 1],
    [1, -1],
    [2, 0.5],
    [3, 2 ** 32],
    [5, -1],
    [6, Number.NaN],
    [7, Number.POSITIVE_INFINITY],
    [7, 9e15],
    [8, 0],
  ])('with %i as %d is none', (index, value) => {
    const memory = new Float64Array(exemplarSize)
    writeExemplar(memory, 0, traceOf(traceId), 0.25)
    memory[index] = value
    expect(readExemplar(memory, 0)).toBeUndefined()
  })

  it('of several histograms is the newest', () => {
    const one = (bucket: number, time: number) => ({ bucket, time, traceId, spanId, seconds: 1 })
    expect(newestExemplars([one(1, 5), one(2, 5), one(1, 9), one(2, 4)])).toEqual([one(1, 9), one(2, 5)])
  })
})
