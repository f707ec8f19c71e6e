import { describe, expect, it } from 'vitest'
import { addServerCounts, countMemory, exemplarAt, mostRoutes, readServerCounts, requestAt } from './count-memory.ts'
import { exemplarSize, readExemplar, writeExemplar } from './exemplars.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceOf = (id: string, flags = '01') => `00-${id}-00f067aa0ba902b7-${flags}`

describe('an exemplar', () => {
  it('is the last request of a sampled trace', () => {
    const memory = new Float64Array(exemplarSize)
    expect(readExemplar(memory, 0)).toBeUndefined()
    writeExemplar(memory, 0, traceOf(traceId, '00'), 0.1)
    expect(readExemplar(memory, 0)).toBeUndefined()
    writeExemplar(memory, 0, traceOf(traceId), 0.25)
    expect(readExemplar(memory, 0)).toEqual({ traceId, seconds: 0.25, time: expect.any(Number) as number })
    const other = 'f'.repeat(32)
    writeExemplar(memory, 0, traceOf(other), 0.3)
    expect(readExemplar(memory, 0)).toMatchObject({ traceId: other, seconds: 0.3 })
  })

  it.each([
    [0, 1],
    [1, -1],
    [2, 0.5],
    [3, 2 ** 32],
    [4, Number.NaN],
    [5, Number.POSITIVE_INFINITY],
    [5, 9e15],
    [6, 0],
  ])('with %i as %d is none', (index, value) => {
    const memory = new Float64Array(exemplarSize)
    writeExemplar(memory, 0, traceOf(traceId), 0.25)
    memory[index] = value
    expect(readExemplar(memory, 0)).toBeUndefined()
  })

  it('of several servers is the newest, beside the sums of their counters', () => {
    const [sum, first, second] = [0, 1, 2].map(() => new Float64Array(countMemory()))
    if (sum === undefined || first === undefined || second === undefined) return
    const route = mostRoutes - 1
    for (const memory of [first, second]) memory[requestAt(route, 'GET', 200)] = 2
    writeExemplar(first, exemplarAt(route, 3), traceOf('1'.repeat(32)), 0.009)
    writeExemplar(second, exemplarAt(route, 3), traceOf('2'.repeat(32)), 0.008)
    const timeAt = exemplarAt(route, 3) + 5
    first[timeAt] = (second[timeAt] ?? 0) + 1
    addServerCounts(sum, first)
    addServerCounts(sum, second)
    const [counts] = readServerCounts(
      sum,
      Array.from({ length: mostRoutes }, (_, index) => `/${index}`),
    ).routes
    expect(counts).toMatchObject({
      route: `/${route}`,
      requests: [{ method: 'GET', status: '2xx', count: 4 }],
      exemplars: [{ bucket: 3, traceId: '1'.repeat(32), seconds: 0.009 }],
    })
  })
})
