/** The references between entries, updated change by change: each update costs only what it touches. */
import type { EntryId } from '@troupe/core'
import { buildGraph, type Dependency, type Graph } from './graph.ts'

const nothing: readonly Dependency[] = []

/** See {@link Graph}. Edges may lead to entries that do not exist: `dependentsOf` knows these too. */
export class Dependents implements Graph {
  readonly #out = new Map<EntryId, readonly Dependency[]>()
  readonly #back = new Map<EntryId, Set<EntryId>>()
  #levels: readonly (readonly EntryId[])[] | undefined

  /** @param edges - What each entry refers to; an absent entry refers to nothing. */
  constructor(ids: Iterable<EntryId>, edges: readonly Dependency[]) {
    const by = Map.groupBy(edges, ({ from }) => from)
    for (const id of ids) this.set(id, by.get(id) ?? nothing)
  }

  get levels(): readonly (readonly EntryId[])[] {
    this.#levels ??= buildGraph(this.#out.keys(), this.#out.values().toArray().flat()).graph.levels
    return this.#levels
  }

  dependenciesOf(id: EntryId): readonly EntryId[] {
    return [...new Set(this.edgesOf(id).map(({ to }) => to))].filter((to) => this.#out.has(to))
  }

  dependentsOf(id: EntryId): readonly EntryId[] {
    return [...(this.#back.get(id) ?? [])].toSorted()
  }

  /** What `id` refers to, and at which path. */
  edgesOf(id: EntryId): readonly Dependency[] {
    return this.#out.get(id) ?? nothing
  }

  /** Adds an entry with these references. */
  set(id: EntryId, edges: readonly Dependency[]): void {
    this.#forget(id)
    this.#out.set(id, edges)
    for (const { to } of edges) {
      const back = this.#back.get(to)
      if (back === undefined) this.#back.set(to, new Set([id]))
      else back.add(id)
    }
  }

  /** Removes an entry. */
  delete(id: EntryId): void {
    this.#forget(id)
    this.#out.delete(id)
  }

  #forget(id: EntryId): void {
    this.#levels = undefined
    for (const { to } of this.edgesOf(id)) {
      const back = this.#back.get(to)
      back?.delete(id)
      if (back?.size === 0) this.#back.delete(to)
    }
  }
}
