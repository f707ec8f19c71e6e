import { describe, expect, it } from 'vitest'
import {
  addRequests,
  outcomeOf,
  readRequests,
  requestPlace,
  requestOutcomes,
  requestTableSize,
} from './request-counters.ts'

function add(table: Float64Array, overlay: string | null, status: number | undefined): void {
  const at = requestPlace(table, overlay) * requestOutcomes.length + requestOutcomes.indexOf(outcomeOf(status))
  table[at] = (table[at] ?? 0) + 1
}

describe('requests of the client', () => {
  it('are counted by overlay and class of the status', () => {
    const table = new Float64Array(requestTableSize)
    for (const status of [200, 204, 301, 404, 500, 599, 999, undefined]) add(table, 'app:tor', status)
    add(table, null, 200)
    expect(readRequests(table)).toEqual([
      { overlay: null, outcome: '2xx', count: 1 },
      { overlay: 'app:tor', outcome: '2xx', count: 2 },
      { overlay: 'app:tor', outcome: '3xx', count: 1 },
      { overlay: 'app:tor', outcome: '4xx', count: 1 },
      { overlay: 'app:tor', outcome: '5xx', count: 3 },
      { overlay: 'app:tor', outcome: 'failed', count: 1 },
    ])
  })

  it('of too many overlays are counted together, and so are sums of several threads', () => {
    const [sum, one, two] = Array.from({ length: 3 }, () => new Float64Array(requestTableSize))
    if (sum === undefined || one === undefined || two === undefined) throw new Error('no tables')
    for (const name of ['a:1', 'a:2', 'a:3']) add(one, name, 200)
    for (const name of ['a:3', 'a:4', 'a:5', `a:${'x'.repeat(99)}`]) add(two, name, 200)
    addRequests(sum, one)
    addRequests(sum, two)
    expect(readRequests(sum).map(({ overlay, count }) => [overlay, count])).toEqual([
      ['a:1', 1],
      ['a:2', 1],
      ['a:3', 2],
      ['a:4', 1],
      ['other', 2],
    ])
  })

  it('are none where a thread wrote nonsense', () => {
    const table = new Float64Array(requestTableSize).fill(Number.NaN)
    expect(readRequests(table)).toEqual([])
    expect(readRequests(new Float64Array(requestTableSize).fill(-1))).toEqual([])
    const names = readRequests(new Float64Array(requestTableSize).fill(1e9)).map(({ overlay }) => overlay)
    expect(new Set(names)).toEqual(new Set([null, 'other']))
  })
})
