/** A set of changes, looked at before anything is done: what it breaks, what it touches, and in which order. */
import { isDeepStrictEqual } from 'node:util'
import type { EntryId } from '@troupe/core'
import type { EntryChange } from './change.ts'
import { type Analysis, brokenReferences, cycleDiagnostic, type Inspection, inspect } from '../schema/check.ts'
import type { Entries } from '../entries/entries.ts'
import { kindMatches } from '../entries/entry.ts'
import { type Diagnostic, diagnosticsError } from '../schema/diagnostic.ts'
import { reachable } from '../entries/reachable.ts'

/** Changes that may be carried out. */
export interface Changeset {
  /**
   * What is to be done, in order: entries that come or change, what they need before them; then those that go, what needs them before
   * them. Entries that mean something else because a variable changed are among it, as updates of themselves.
   */
  readonly steps: readonly EntryChange[]
  /** What was inspected anew. */
  readonly inspected: ReadonlyMap<EntryId, Inspection>
}

/**
 * Checks what `changes` make of `now`, in time by what they touch.
 *
 * @throws TroupeError `Invalid` with all that would be wrong: fields, references, what refers to an entry that goes, circles.
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

/** Entries that refer to something which goes, or becomes of another kind. */
function bereft(changes: readonly EntryChange[], { graph }: Pick<Analysis, 'graph'>): Set<EntryId> {
  const suspect = changes.filter(({ before, after }) => before && before.kind !== after?.kind)
  return new Set(suspect.flatMap(({ id }) => graph.dependentsOf(id)))
}

/** Entries whose fields are others once variables are: each as an update of itself. They are inspected anew. */
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
