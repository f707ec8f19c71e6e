/** Walks along references, from some entries to everything that they need. */
import type { EntryId } from '@troupe/core'
import type { Dependency } from './graph.ts'

export interface Reachable {
  /** All entries that were reached, each after the entries that it refers to. */
  readonly order: readonly EntryId[]
  /** The first circle that was found, as its edges. */
  readonly cycle?: readonly Dependency[]
}

interface Step {
  readonly id: EntryId
  readonly edges: readonly Dependency[]
  next: number
}

/** Walks depth first. Stops at the first circle. */
export function reachable(from: Iterable<EntryId>, edgesOf: (id: EntryId) => readonly Dependency[]): Reachable {
  const order = new Set<EntryId>()
  for (const start of from) {
    const way: Step[] = []
    const onWay = new Set<EntryId>()
    const enter = (id: EntryId) => {
      way.push({ id, edges: edgesOf(id), next: 0 })
      onWay.add(id)
    }
    if (!order.has(start)) enter(start)
    for (let step = way.at(-1); step !== undefined; step = way.at(-1)) {
      const edge = step.edges[step.next]
      step.next += 1
      if (edge === undefined) {
        order.add(step.id)
        onWay.delete(step.id)
        way.pop()
      } else if (onWay.has(edge.to)) {
        return { order: [...order], cycle: circle(way, edge.to) }
      } else if (!order.has(edge.to)) {
        enter(edge.to)
      }
    }
  }
  return { order: [...order] }
}

function circle(way: readonly Step[], first: EntryId): readonly Dependency[] {
  return way.slice(way.findIndex(({ id }) => id === first)).flatMap(({ edges, next }) => edges[next - 1] ?? [])
}
