/** What is wrong with entries taken together: all of it at once. */
import { existsSync } from 'node:fs'
import type { EntryId } from '@troupe/core'
import { type Decoded, type DecodeResult, problemOf } from './decode.ts'
import { type Entry, keyPlaceOf, kindMatches, placeOf, writtenAt } from './entry.ts'
import { buildGraph, type Dependency, type Graph } from './graph.ts'
import { formatPath, formatPlace } from './place.ts'
import { type Problem, sortProblems } from './problem.ts'
import type { FoundReference } from './shape.ts'
import { didYouMean } from './suggest.ts'

type Entries = ReadonlyMap<EntryId, Entry>

export interface Analysis {
  readonly graph: Graph
  readonly problems: readonly Problem[]
}

/** Decodes all `entries` and follows their references. `known` are problems found before. */
export function analyse(entries: Entries, decode: (entry: Entry) => DecodeResult<Decoded>, known: readonly Problem[]): Analysis {
  const problems = [...known]
  const edges: Dependency[] = []
  for (const entry of entries.values()) {
    const { decoded, problems: found } = decode(entry)
    problems.push(...found)
    if (!decoded) continue
    edges.push(...decoded.references.map(({ id, path }) => ({ from: entry.id, to: id, path })))
    problems.push(...decoded.references.flatMap((reference) => brokenReference(entries, entry, reference)), ...missingFiles(decoded))
  }
  const { graph, cycles } = buildGraph(entries.keys(), edges)
  problems.push(...cycles.map((cycle) => cycleProblem(entries, cycle)))
  return { graph, problems: sortProblems(problems) }
}

/** An id that is defined twice, told at the second place. */
export function duplicateProblem(second: Entry, first: Entry): Problem {
  const where = first.source ? ` at ${formatPlace(first.source)}` : ''
  const place = keyPlaceOf(second, ['name'])
  return {
    code: 'duplicate-entry',
    message: `the entry ${second.id} is already defined${where}`,
    entry: second.id,
    ...(place && { place }),
  }
}

function brokenReference(entries: Entries, entry: Entry, { id, kinds, path }: FoundReference): readonly Problem[] {
  const target = entries.get(id)
  const allowed = ({ kind }: Entry) => kinds.length === 0 || kinds.some((pattern) => kindMatches(kind, pattern))
  if (target && allowed(target)) return []
  const at = formatPath(path)
  const written = writtenAt(entry, path)
  // What a placeholder gave is not shown.
  const shown = typeof written === 'string' && written.includes('${') ? written : id
  if (target) {
    const message = `${at}: ${shown} is of the kind ${target.kind}; expected ${kinds.join(' or ')}`
    return [problemOf(entry, { code: 'wrong-kind', message, path })]
  }
  const others = entries.values().filter(allowed)
  const hint =
    shown === id
      ? didYouMean(
          id,
          others.map((other) => other.id),
        )
      : ''
  return [problemOf(entry, { code: 'dangling-reference', message: `${at}: there is no entry ${shown}${hint}`, path })]
}

function cycleProblem(entries: Entries, cycle: readonly Dependency[]): Problem {
  const stops = cycle.map(({ from, path }) => {
    const entry = entries.get(from)
    return { from, path: formatPath(path), place: entry && placeOf(entry, path) }
  })
  const way = stops.map(({ from }) => from)
  const edges = stops.map(({ from, path, place }) => `${from} ${path}${place ? ` (${formatPlace(place)})` : ''}`)
  const [first] = stops
  return {
    code: 'cycle',
    message: `entries need each other in a circle: ${[...way, way[0]].join(' → ')}; by ${edges.join(', ')}`,
    ...(first?.place && { place: first.place }),
    ...(first && { entry: first.from, path: first.path }),
  }
}

function missingFiles(decoded: Decoded): readonly Problem[] {
  return decoded.files
    .filter(({ file }) => !existsSync(file))
    .map(({ file, path }) => {
      const written = String(writtenAt(decoded.entry, path))
      const message = `${formatPath(path)}: there is no file ${written.includes('${') ? written : file}`
      return problemOf(decoded.entry, { code: 'missing-file', message, path })
    })
}
