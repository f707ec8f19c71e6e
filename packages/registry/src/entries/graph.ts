/** The start order of entries: each entry comes after the entries that it refers to. */
import type { EntryId } from '@troupe/core'
import type { Path } from '../yaml/source-position.ts'

/** An edge: `from` refers to `to`, at `path`. */
export interface Dependency {
  readonly from: EntryId
  readonly to: EntryId
  readonly path: Path
}

/** The references between entries. */
export interface Graph {
  /**
   * Entries in start order: all that an entry refers to is on an earlier level. The entries of a level can start
   * concurrently.
   */
  readonly levels: readonly (readonly EntryId[])[]
  /** What `id` refers to directly. */
  dependenciesOf(id: EntryId): readonly EntryId[]
  /** What refers to `id` directly. */
  dependentsOf(id: EntryId): readonly EntryId[]
}

export interface BuiltGraph {
  readonly graph: Graph
  /** Circles, each as its edges. Entries that are on a circle or depend on one are on no level. */
  readonly cycles: readonly (readonly Dependency[])[]
}

/** Builds the graph of `ids`; edges to or from other ids are left out. */
export function buildGraph(ids: Iterable<EntryId>, edges: readonly Dependency[]): BuiltGraph {
  const out = new Map<EntryId, Map<EntryId, Dependency>>()
  for (const id of [...ids].toSorted()) out.set(id, new Map())
  const back = new Map<EntryId, EntryId[]>(Array.from(out.keys(), (id) => [id, []]))
  for (const edge of edges) {
    const targets = out.get(edge.from)
    if (!targets || targets.has(edge.to) || !out.has(edge.to)) continue
    targets.set(edge.to, edge)
    back.get(edge.to)?.push(edge.from)
  }
  const graph: Graph = {
    levels: levelsOf(out, back),
    dependenciesOf: (id) => [...(out.get(id)?.keys() ?? [])],
    dependentsOf: (id) => back.get(id)?.toSorted() ?? [],
  }
  return { graph, cycles: cyclesOf(out, new Set(graph.levels.flat())) }
}

type Edges = ReadonlyMap<EntryId, ReadonlyMap<EntryId, Dependency>>

/** Removes, level by level, the entries that wait for nothing. */
function levelsOf(out: Edges, back: ReadonlyMap<EntryId, readonly EntryId[]>): readonly (readonly EntryId[])[] {
  const waiting = new Map(Array.from(out, ([id, targets]) => [id, targets.size]))
  const levels: EntryId[][] = []
  let level = [...out.keys()].filter((id) => waiting.get(id) === 0)
  while (level.length > 0) {
    levels.push(level)
    const next: EntryId[] = []
    for (const id of level) {
      for (const dependent of back.get(id) ?? []) {
        const left = (waiting.get(dependent) ?? 0) - 1
        waiting.set(dependent, left)
        if (left === 0) next.push(dependent)
      }
    }
    level = next.toSorted()
  }
  return levels
}

/**
 * Walks from every entry that is on no level along its first edge to another such entry (one always exists), until it
 * reaches an entry that it has seen before. If that entry was seen on the same walk, it is on a circle.
 */
function cyclesOf(out: Edges, settled: ReadonlySet<EntryId>): readonly (readonly Dependency[])[] {
  const cycles: Dependency[][] = []
  const seen = new Set<EntryId>(settled)
  for (const start of out.keys()) {
    const walk: Dependency[] = []
    let at: EntryId | undefined = start
    while (at !== undefined && !seen.has(at)) {
      seen.add(at)
      const edge: Dependency | undefined = out
        .get(at)
        ?.values()
        .find(({ to }) => !settled.has(to))
      if (edge) walk.push(edge)
      at = edge?.to
    }
    const first = walk.findIndex((edge) => edge.from === at)
    if (first >= 0) cycles.push(walk.slice(first))
  }
  return cycles
}
