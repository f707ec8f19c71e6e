import { type EntryId, entryId } from '@troupe/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildGraph, type Dependency } from './graph.ts'

const id = (index: number): EntryId => entryId(`app:e${index}`)
const edge = (from: number, to: number): Dependency => ({ from: id(from), to: id(to), path: ['to'] })
const ids = (count: number): readonly EntryId[] => Array.from({ length: count }, (_, index) => id(index))

const pairs = (count: number) => fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: count * 3 })

describe('buildGraph', () => {
  it('puts independent entries on one level', () => {
    const { graph, cycles } = buildGraph(ids(4), [edge(3, 1), edge(3, 2), edge(1, 0), edge(2, 0)])
    expect(cycles).toEqual([])
    expect(graph.levels).toEqual([[id(0)], [id(1), id(2)], [id(3)]])
    expect(graph.dependenciesOf(id(3))).toEqual([id(1), id(2)])
    expect(graph.dependentsOf(id(0))).toEqual([id(1), id(2)])
  })

  it('reports a cycle, and an entry that needs itself', () => {
    const { graph, cycles } = buildGraph(ids(5), [edge(0, 1), edge(1, 2), edge(2, 0), edge(3, 0), edge(4, 4)])
    expect(graph.levels).toEqual([])
    expect(cycles).toEqual([[edge(0, 1), edge(1, 2), edge(2, 0)], [edge(4, 4)]])
  })

  it('leaves out unknown references', () => {
    expect(buildGraph(ids(1), [edge(0, 7)]).graph.levels).toEqual([[id(0)]])
  })

  it('orders a chain that is longer than the stack', () => {
    const count = 20_000
    const chain = Array.from({ length: count - 1 }, (_, index) => edge(index, index + 1))
    expect(buildGraph(ids(count), chain).graph.levels).toHaveLength(count)
    expect(buildGraph(ids(count), [...chain, edge(count - 1, 0)]).cycles).toHaveLength(1)
  })

  it('orders every graph without cycles: dependencies come on earlier levels, and as early as possible', () => {
    fc.assert(
      fc.property(pairs(12), (found) => {
        // From the higher number to the lower, so no circle is possible.
        const edges = found.filter(([a, b]) => a !== b).map(([a, b]) => edge(Math.max(a, b), Math.min(a, b)))
        const { graph, cycles } = buildGraph(ids(12), edges)
        const level = new Map(
          graph.levels.flatMap((members, index) => members.map((member) => [member, index] as const)),
        )
        expect(cycles).toEqual([])
        expect([...level.keys()].toSorted()).toEqual([...ids(12)].toSorted())
        for (const member of ids(12)) {
          const below = graph.dependenciesOf(member).map((dependency) => level.get(dependency) ?? Number.NaN)
          expect(level.get(member)).toBe(Math.max(-1, ...below) + 1)
        }
      }),
    )
  })

  it('finds a cycle if and only if there is one', () => {
    fc.assert(
      fc.property(pairs(8), (found) => {
        const edges = found.map(([a, b]) => edge(a, b))
        const { graph, cycles } = buildGraph(ids(8), edges)
        expect(cycles.length > 0).toBe(graph.levels.flat().length < 8)
        expect(cycles.length > 0).toBe(reachesItself(found, 8))
        for (const cycle of cycles) {
          for (const [index, { from, to }] of cycle.entries()) {
            expect(edges).toContainEqual({ from, to, path: ['to'] })
            expect(cycle[(index + 1) % cycle.length]?.from).toBe(to)
          }
        }
      }),
    )
  })
})

/** Warshall's closure: a simple second implementation to compare with. */
function reachesItself(edges: readonly (readonly [number, number])[], count: number): boolean {
  const reach = Array.from({ length: count }, (_, a) =>
    Array.from({ length: count }, (_, b) => edges.some(([from, to]) => from === a && to === b)),
  )
  for (let k = 0; k < count; k++) {
    for (const row of reach) {
      if (row[k]) for (let j = 0; j < count; j++) row[j] ||= reach[k]?.[j] === true
    }
  }
  return reach.some((row, index) => row[index])
}
