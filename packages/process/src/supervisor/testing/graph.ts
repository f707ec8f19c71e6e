/** A graph from who refers to whom. */
import { type EntryId, entryId } from '@troupe/core'
import type { Graph } from '@troupe/registry'

/** @param references - By entry name, the names that the entry refers to; entries without references are optional. */
export function graphOf(references: Readonly<Record<string, readonly string[]>>): Graph {
  const edges = Object.entries(references).flatMap(([from, targets]) =>
    targets.map((to) => ({ from: id(from), to: id(to) })),
  )
  return {
    levels: [],
    dependenciesOf: (of) => edges.filter(({ from }) => from === of).map(({ to }) => to),
    dependentsOf: (of) => edges.filter(({ to }) => to === of).map(({ from }) => from),
  }
}

export function id(name: string): EntryId {
  return entryId(name, 'app')
}
