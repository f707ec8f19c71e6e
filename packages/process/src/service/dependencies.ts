/**
 * Which services need which other services: by reference, directly or through entries that are not services themselves.
 */
import type { EntryId } from '@troupe/core'
import type { Graph } from '@troupe/registry'

export interface Dependencies {
  /** The services that each service needs. */
  readonly needs: ReadonlyMap<EntryId, readonly EntryId[]>
  /** The services that need each service. */
  readonly neededBy: ReadonlyMap<EntryId, readonly EntryId[]>
}

/** @param implied - A service that another one needs without a reference to it. */
export function dependenciesOf(
  graph: Graph,
  services: readonly EntryId[],
  implied: (id: EntryId) => EntryId | undefined = () => undefined,
): Dependencies {
  const known = new Set(services)
  const needs = new Map(services.map((id) => [id, nearest(id)]))
  const neededBy = new Map<EntryId, EntryId[]>(services.map((id) => [id, []]))
  for (const [id, needed] of needs) for (const other of needed) neededBy.get(other)?.push(id)
  return { needs, neededBy }

  /** Follows the references until it reaches services. */
  function nearest(id: EntryId): readonly EntryId[] {
    const found = new Set<EntryId>()
    const seen = new Set<EntryId>()
    const ahead = [...graph.dependenciesOf(id)]
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      if (seen.has(next)) continue
      seen.add(next)
      if (known.has(next)) found.add(next)
      else ahead.push(...graph.dependenciesOf(next))
    }
    const other = implied(id)
    if (other !== undefined && other !== id && known.has(other)) found.add(other)
    return [...found].toSorted()
  }
}
