import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SimulatedNode, SimulatedNodes } from '../testing/simulated-nodes.ts'

const end = fc.nat(1)
const place = fc.nat(40)
const put = fc.record({ act: fc.constant('put'), end, length: fc.integer({ min: 5, max: 90 }) })
const network = fc.record({ act: fc.constantFrom('deliver', 'deliver', 'deliver', 'lose', 'double'), place })
const rest = fc.record({ act: fc.constantFrom('reconnect', 'hold', 'free'), end })
const wait = fc.record({ act: fc.constant('wait'), time: fc.integer({ min: 1, max: 3_000 }) })
const restart = fc.record({ act: fc.constantFrom('restart', 'notice'), end })
const garble = fc.record({ act: fc.constant('garble'), end, place, bytes: fc.uint8Array({ maxLength: 30 }) })

type Act =
  | { readonly act: string; readonly end: number; readonly place: number; readonly bytes: Uint8Array }
  | { readonly act: string; readonly end: number; readonly length: number }
  | { readonly act: string; readonly end: number }
  | { readonly act: string; readonly place: number }
  | { readonly act: string; readonly time: number }

/** The newest incarnation of the pair that an end may know. */
let newest = 1n

function perform(nodes: SimulatedNodes, step: Act): void {
  if ('bytes' in step) nodes.garble(step.end, step.place, step.bytes)
  else if ('length' in step) nodes.put(step.end, step.length)
  else if ('time' in step) nodes.wait(step.time)
  else if ('place' in step) {
    if (step.act === 'deliver') nodes.deliver(step.place)
    else if (step.act === 'lose') nodes.lose(step.place)
    else nodes.double(step.place)
  } else if (step.act === 'reconnect') nodes.reconnect(step.end)
  else if (step.act === 'restart') {
    newest += 1n
    nodes.restart(step.end, newest)
  } else if (step.act === 'notice') {
    if (nodes.end(step.end).pair < newest) nodes.restart(step.end, newest)
  } else nodes.hold(step.end, step.act === 'hold')
}

function run(acts: readonly Act[]): SimulatedNodes {
  newest = 1n
  const nodes = new SimulatedNodes()
  for (const step of acts) perform(nodes, step)
  return nodes
}

/** What an end took is the beginning of what the other end of its pair put: in order, nothing twice. */
function checkPrefix(taker: SimulatedNode, putters: readonly SimulatedNode[]): void {
  const all = putters.filter(({ pair }) => pair === taker.pair).flatMap((node) => node.put)
  expect(all.slice(0, taker.taken.length)).toEqual(taker.taken)
}

describe('what two nodes send each other, over a network that loses, doubles and reorders', () => {
  it('arrives once, in order, and all of it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(put, network, network, rest, wait), { maxLength: 120 }), (acts) => {
        const nodes = run(acts)
        nodes.settle()
        const [a, b] = [nodes.end(0), nodes.end(1)]
        expect(b.taken).toEqual(a.put)
        expect(a.taken).toEqual(b.put)
        expect([...a.resets, ...b.resets]).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('never reaches another incarnation', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(put, network, network, rest, wait, restart), { maxLength: 120 }), (acts) => {
        const nodes = run(acts)
        for (const index of [0, 1]) if (nodes.end(index).pair < newest) nodes.restart(index, newest)
        nodes.settle()
        for (const taker of nodes.history)
          checkPrefix(
            taker,
            nodes.history.filter((other) => other !== taker),
          )
        const [a, b] = [nodes.end(0), nodes.end(1)]
        expect(b.taken).toEqual(a.put)
        expect(a.taken).toEqual(b.put)
      }),
      { numRuns: 500 },
    )
  })

  it('is never doubled or reordered by bytes that are no batch, and works again afterwards', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(put, network, network, rest, wait, garble), { maxLength: 120 }), (acts) => {
        const nodes = run(acts)
        nodes.settle()
        for (const [taker, putter] of [
          [nodes.end(0), nodes.end(1)],
          [nodes.end(1), nodes.end(0)],
        ] as const) {
          const places = taker.taken.map((body) => putter.put.indexOf(body))
          expect(places).toEqual(places.toSorted((one, other) => one - other))
          expect(new Set(places).size).toBe(places.length)
          expect(places).not.toContain(-1)
        }
        expect(nodes.end(0).session.resets).toBe(nodes.end(1).session.resets)
        const before = nodes.end(1).taken.length
        nodes.put(0, 40)
        nodes.settle()
        expect(nodes.end(1).taken.slice(before)).toEqual(nodes.end(0).put.slice(-1))
      }),
      { numRuns: 500 },
    )
  })

  it('waits at the sender while the receiver takes nothing', () => {
    const nodes = new SimulatedNodes()
    nodes.hold(1, true)
    for (let count = 0; count < 20; count += 1) nodes.put(0, 16)
    for (let count = 0; count < 20; count += 1) nodes.deliver(0)
    expect(nodes.end(0).session.isFull).toBe(true)
    expect(nodes.end(1).taken.length).toBe(4)
    nodes.settle()
    expect(nodes.end(0).session.isFull).toBe(false)
    expect(nodes.end(1).taken).toEqual(nodes.end(0).put)
  })
})
