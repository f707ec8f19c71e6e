import { writeExemplar } from '@troupe/core'
import { expect, it } from 'vitest'
import { addServerCounts, countMemory, exemplarAt, mostRoutes, readServerCounts, requestAt } from './count-memory.ts'

const traceOf = (id: string) => `00-${id}-00f067aa0ba902b7-01`

it('exemplars of several servers are the newest, beside the sums of their counters', () => {
  const [sum, first, second] = [0, 1, 2].map(() => new Float64Array(countMemory()))
  if (sum === undefined || first === undefined || second === undefined) return
  const route = mostRoutes - 1
  for (const memory of [first, second]) memory[requestAt(route, 'GET', 200)] = 2
  writeExemplar(first, exemplarAt(route, 3), traceOf('1'.repeat(32)), 0.009)
  writeExemplar(second, exemplarAt(route, 3), traceOf('2'.repeat(32)), 0.008)
  const timeAt = exemplarAt(route, 3) + 7
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
