/** A set of changes, checked before anything is applied: what it breaks, what it touches, and in which order. */
import { isDeepStrictEqual } from 'node:util'
import type { EntryId } from '@troupe/core'
import type { EntryChange } from './change.ts'
import { type Analysis, brokenReferences, cycleDiagnostic, type Inspection, inspect } from '../schema/check.ts'
import type { Entries } from '../entries/entries.ts'
import { kindMatches } from '../entries/entry.ts'
import { type Diagnostic, diagnosticsError } from '../schema/diagnostic.ts'
import { reachable } from '../entries/reachable.ts'

/** A set of changes that passed the check. */
export interface Changeset {
  /**
   * The changes to apply, in order. First come entries that are created or updated, each after what it refers to. Then
   * come entries that are deleted, each after what refers to it. An entry whose meaning changes because a variable
   * changed is included, as an update of itself.
   */
  readonly steps: readonly EntryChange[]
  /** The entries that were inspected again. */
  readonly inspected: ReadonlyMap<EntryId, Inspection>
}

/**
 * Checks `changes` against `now`, in time proportional to what they touch.
 *
 * @throws TroupeError `Invalid` with all problems: fields, references, references to deleted entries, circles.
 */
export function examine(
  now: Entries,
  next: Entries,
  changes: readonly EntryChange[],
  known: Pick<Analysis, 'graph' | 'variable'>,
): Changeset {
  const changed = new Map(changes.map((change) => [change.id, change]))
  const inspected = new Map<EntryId, Inspection>()
  for (const { id, after } of changes) if (after) inspected.set(id, inspect(next, after))
  const moved = movedByVariables(now, next, changed, known.variable, inspected)
  const problems: Diagnostic[] = [...inspected.values()].flatMap((inspection) => inspection.problems)
  for (const id of bereft(changes, known).difference(inspected)) {
    const entry = changed.has(id) ? undefined : next.all.get(id)
    const { decoded } = entry ? next.read(entry) : {}
    if (decoded) problems.push(...brokenReferences(next, decoded))
  }
  const edgesOf = (id: EntryId) => inspected.get(id)?.edges ?? known.graph.edgesOf(id)
  const coming = reachable(inspected.keys(), edgesOf)
  if (coming.cycle) problems.push(cycleDiagnostic(next, coming.cycle))
  if (problems.length > 0) throw diagnosticsError(problems)
  const all = new Map([...changed, ...moved.map((change) => [change.id, change] as const)])
  const going = changes.filter(({ op }) => op === 'delete').map(({ id }) => id)
  const order = [
    ...coming.order,
    ...reachable(going, (id) => known.graph.edgesOf(id))
      .order.filter((id) => !next.has(id))
      .toReversed(),
  ]
  return { steps: order.flatMap((id) => all.get(id) ?? []), inspected }
}

/** Entries that refer to an entry which is deleted, or whose kind changes. */
function bereft(changes: readonly EntryChange[], { graph }: Pick<Analysis, 'graph'>): Set<EntryId> {
  const suspect = changes.filter(({ before, after }) => before && before.kind !== after?.kind)
  return new Set(suspect.flatMap(({ id }) => graph.dependentsOf(id)))
}

/**
 * Entries whose decoded fields change because variables change, each as an update of itself. They are inspected again.
 */
function movedByVariables(
  now: Entries,
  next: Entries,
  changed: ReadonlyMap<EntryId, EntryChange>,
  variable: ReadonlySet<EntryId>,
  inspected: Map<EntryId, Inspection>,
): readonly EntryChange[] {
  if (!changed.values().some(({ before, after }) => kindMatches((after ?? before).kind, 'env.*'))) return []
  const moved: EntryChange[] = []
  for (const id of variable) {
    const entry = changed.has(id) ? undefined : next.all.get(id)
    if (!entry) continue
    const inspection = inspect(next, entry)
    inspected.set(id, inspection)
    const before = now.read(entry).decoded
    const { decoded } = inspection
    if (isDeepStrictEqual([before?.fields, before?.meta], [decoded?.fields, decoded?.meta])) continue
    moved.push({ op: 'update', id, before: entry, after: entry })
  }
  return moved
}
