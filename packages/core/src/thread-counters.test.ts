import { describe, expect, it } from 'vitest'
import {
  addCounts,
  count,
  countDial,
  countGc,
  counter,
  counterMemory,
  countIn,
  countRefusal,
  latencyBounds,
  noCounts,
  ownCounters,
  readCounts,
} from './thread-counters.ts'

describe('counters of a thread', () => {
  it('are read by others while the thread counts, and continue where they were', () => {
    count(counter.messagesSent, 3)
    const memory = counterMemory()
    countIn(memory)
    count(counter.messagesSent)
    expect(readCounts(new Float64Array(memory)).messagesSent).toBe(4)
    expect(ownCounters().buffer).toBe(memory)
  })

  it('count refusals by the module of Node', () => {
    countIn(counterMemory())
    for (const what of [
      'dns.resolveMx',
      'net.Server.listen on a path, a handle or a descriptor',
      'a Unix socket (net.Socket.connect)',
      'child_process.spawn',
      'the program /usr/bin/curl (curl)',
      'a foreign descriptor (3)',
      '_tls_wrap.connect',
    ])
      countRefusal(what)
    expect(readCounts(ownCounters()).refused).toMatchObject({ dns: 1, net: 2, child_process: 2, other: 2 })
  })

  it('count dials by duration', () => {
    countIn(counterMemory())
    for (const milliseconds of [0.5, 1, 7, 99_999]) countDial(milliseconds)
    const { dialsOpened, dialBuckets, dialMilliseconds } = readCounts(ownCounters())
    expect([dialsOpened, dialMilliseconds]).toEqual([4, 100_007.5])
    expect(dialBuckets).toHaveLength(latencyBounds.length + 1)
    expect([dialBuckets[0], dialBuckets[3], dialBuckets.at(-1)]).toEqual([2, 1, 1])
  })

  it('have an exemplar of each bucket of dials, the newest of several threads', () => {
    const trace = (id: string) => `00-${id.repeat(32)}-${id.repeat(16)}-01`
    const sum = noCounts()
    for (const id of ['a', 'b']) {
      countIn(counterMemory())
      countDial(7, trace(id))
      countDial(0.5)
      addCounts(sum, ownCounters())
    }
    const found = { bucket: 3, traceId: 'b'.repeat(32), spanId: 'b'.repeat(16), seconds: 0.007 }
    expect(readCounts(ownCounters()).dialExemplars).toMatchObject([found])
    expect(readCounts(sum)).toMatchObject({ dialExemplars: [found] })
  })

  it('count garbage collections by kind', () => {
    countIn(counterMemory())
    countGc('minor', 0.5)
    countGc('minor', 1.5)
    countGc('weakcb', 3)
    const sum = noCounts()
    addCounts(sum, ownCounters())
    addCounts(sum, ownCounters())
    expect(readCounts(sum).gc).toEqual({
      minor: { count: 4, milliseconds: 4 },
      major: { count: 0, milliseconds: 0 },
      incremental: { count: 0, milliseconds: 0 },
      weakcb: { count: 2, milliseconds: 6 },
    })
  })

  it('that no honest thread writes count as nothing', () => {
    const memory = noCounts().fill(Number.NaN)
    memory[counter.callsEnded] = -5
    memory[counter.messagesSent] = Number.POSITIVE_INFINITY
    const sum = noCounts()
    addCounts(sum, memory)
    expect(readCounts(sum)).toEqual(readCounts(noCounts()))
    expect(readCounts(memory)).toEqual(readCounts(noCounts()))
  })
})
