/** Who needs whom, kept up to date change by change: each costs what it touches. */
import type { EntryId } from '@troupe/core'
import { buildGraph, type Dependency, type Graph } from './graph.ts'

const nothing: readonly Dependency[] = []

/** See {@link Graph}. Edges may lead to entries that are not there: `dependentsOf` knows of them all the same. */
export class Dependents implements Graph {
  readonly #out = new Map<EntryId, readonly Dependency[]>()
  readonly #back = new Map<EntryId, Set<EntryId>>()
  #levels: readonly (readonly EntryId[])[] | undefined

  /** @param edges - What each entry refers to; one that is absent refers to nothing. */
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

  /** What `id` refers to, and where. */
  edgesOf(id: EntryId): readonly Dependency[] {
    return this.#out.get(id) ?? nothing
  }

  /** An entry is there, and refers to this. */
  set(id: EntryId, edges: readonly Dependency[]): void {
    this.#forget(id)
    this.#out.set(id, edges)
    for (const { to } of edges) {
      const back = this.#back.get(to)
      if (back === undefined) this.#back.set(to, new Set([id]))
      else back.add(id)
    }
  }

  /** An entry is gone. */
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
