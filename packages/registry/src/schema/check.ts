/** Checks all entries together, and reports every problem at once. */
import { existsSync } from 'node:fs'
import type { EntryId } from '@troupe/core'
import type { EntryChange } from '../changes/change.ts'
import { type Decoded, diagnosticOf } from './decode.ts'
import type { Entries } from '../entries/entries.ts'
import { type Entry, keyPositionOf, kindMatches, positionOf, writtenAt } from '../entries/entry.ts'
import { buildGraph, type Dependency } from '../entries/graph.ts'
import { Dependents } from '../entries/dependents.ts'
import { formatPath, formatPosition } from '../yaml/source-position.ts'
import { type Diagnostic, sortDiagnostics } from './diagnostic.ts'
import type { FoundReference } from './normalize.ts'
import { didYouMean } from './suggest.ts'

/** The result of inspecting one entry by itself. */
export interface Inspection {
  readonly decoded: Decoded | undefined
  readonly edges: readonly Dependency[]
  readonly problems: readonly Diagnostic[]
  readonly usesVariables: boolean
}

export interface Analysis {
  readonly graph: Dependents
  readonly problems: readonly Diagnostic[]
  /** Entries whose meaning depends on variables. */
  readonly variable: Set<EntryId>
}

/** Decodes `entry`, and checks its files and its references. */
export function inspect(entries: Entries, entry: Entry): Inspection {
  const { decoded, problems, usesVariables } = entries.read(entry)
  if (!decoded) return { decoded, edges: [], problems, usesVariables }
  return {
    decoded,
    edges: decoded.references.map(({ id, path }) => ({ from: entry.id, to: id, path })),
    problems: [...problems, ...brokenReferences(entries, decoded), ...missingFiles(decoded)],
    usesVariables,
  }
}

/** Inspects all `entries`. `known` are problems that were found before. */
export function analyse(entries: Entries, known: readonly Diagnostic[]): Analysis {
  const problems = [...known]
  const edges: Dependency[] = []
  const variable = new Set<EntryId>()
  for (const entry of entries.all.values()) {
    const inspection = inspect(entries, entry)
    problems.push(...inspection.problems)
    edges.push(...inspection.edges)
    if (inspection.usesVariables) variable.add(entry.id)
  }
  const { cycles } = buildGraph(entries.all.keys(), edges)
  problems.push(...cycles.map((cycle) => cycleDiagnostic(entries, cycle)))
  return { graph: new Dependents(entries.all.keys(), edges), problems: sortDiagnostics(problems), variable }
}

/** Updates `known` with entries that were inspected again, and with those that were deleted. Returns their ids. */
export function learn(
  { graph, variable }: Analysis,
  inspected: ReadonlyMap<EntryId, Inspection>,
  changes: readonly EntryChange[],
): readonly EntryId[] {
  for (const [id, { edges, usesVariables }] of inspected) {
    graph.set(id, edges)
    if (usesVariables) variable.add(id)
    else variable.delete(id)
  }
  const gone = changes.filter(({ op }) => op === 'delete').map(({ id }) => id)
  for (const id of gone) {
    graph.delete(id)
    variable.delete(id)
  }
  return gone
}

/** An id that is defined twice, reported at the second definition. */
export function duplicateDiagnostic(second: Entry, first: Entry): Diagnostic {
  const where = first.source ? ` at ${formatPosition(first.source)}` : ''
  const place = keyPositionOf(second, ['name'])
  return {
    code: 'duplicate-entry',
    message: `the entry ${second.id} is already defined${where}`,
    entry: second.id,
    ...(place && { place }),
  }
}

/** References of `decoded` to entries that do not exist or have a wrong kind. */
export function brokenReferences(entries: Entries, decoded: Decoded): readonly Diagnostic[] {
  return decoded.references.flatMap((reference) => brokenReference(entries, decoded.entry, reference))
}

function brokenReference(entries: Entries, entry: Entry, { id, kinds, path }: FoundReference): readonly Diagnostic[] {
  const target = entries.all.get(id)
  const allowed = ({ kind }: Entry) => kinds.length === 0 || kinds.some((pattern) => kindMatches(kind, pattern))
  if (target && allowed(target)) return []
  const at = formatPath(path)
  const written = writtenAt(entry, path)
  // The message omits a value that a placeholder gave.
  const shown = typeof written === 'string' && written.includes('${') ? written : id
  if (target) {
    const message = `${at}: ${shown} is of the kind ${target.kind}; expected ${kinds.join(' or ')}`
    return [diagnosticOf(entry, { code: 'wrong-kind', message, path })]
  }
  const others = entries.all.values().filter(allowed)
  const hint =
    shown === id
      ? didYouMean(
          id,
          others.map((other) => other.id),
        )
      : ''
  return [
    diagnosticOf(entry, { code: 'dangling-reference', message: `${at}: there is no entry ${shown}${hint}`, path }),
  ]
}

/** Entries that need each other, reported along the edges of the circle. */
export function cycleDiagnostic(entries: Entries, cycle: readonly Dependency[]): Diagnostic {
  const stops = cycle.map(({ from, path }) => {
    const entry = entries.all.get(from)
    return { from, path: formatPath(path), place: entry && positionOf(entry, path) }
  })
  const way = stops.map(({ from }) => from)
  const edges = stops.map(({ from, path, place }) => `${from} ${path}${place ? ` (${formatPosition(place)})` : ''}`)
  const [first] = stops
  return {
    code: 'cycle',
    message: `entries need each other in a circle: ${[...way, way[0]].join(' → ')}; by ${edges.join(', ')}`,
    ...(first?.place && { place: first.place }),
    ...(first && { entry: first.from, path: first.path }),
  }
}

function missingFiles(decoded: Decoded): readonly Diagnostic[] {
  return decoded.files
    .filter(({ file }) => !existsSync(file))
    .map(({ file, path }) => {
      const written = String(writtenAt(decoded.entry, path))
      const message = `${formatPath(path)}: there is no file ${written.includes('${') ? written : file}`
      return diagnosticOf(decoded.entry, { code: 'missing-file', message, path })
    })
}
