/** Problems of an application's files: all are reported at once, each with its position. */
import { relative } from 'node:path'
import { type EntryId, TroupeError } from '@troupe/core'
import { comparePositions, formatPosition, type SourcePosition } from '../yaml/source-position.ts'

/** The category of a problem, for programs that read it. */
export type DiagnosticCode =
  /** A file is not YAML, or uses a feature of YAML that is not supported. */
  | 'yaml'
  /** A file contains something other than entries or sections. */
  | 'document'
  /** Two entries have the same id. */
  | 'duplicate-entry'
  /** No package defines the kind of the entry. */
  | 'unknown-kind'
  /** The kind has no such field. The message suggests a similar one. */
  | 'unknown-field'
  /** The value of a field has another type, or is outside its range. */
  | 'invalid-field'
  /** A text with `${` is not a placeholder: `${env:NAME}` or `${env:NAME|default}`. */
  | 'placeholder'
  /** A placeholder names a variable that is not set, and has no default. */
  | 'missing-variable'
  /** A field names an entry that does not exist. */
  | 'dangling-reference'
  /** A field names an entry of another kind than it needs. */
  | 'wrong-kind'
  /** Entries refer to one another in a circle, so none of them can start first. */
  | 'cycle'
  /** Two endpoints of a server have the same method and path. */
  | 'duplicate-route'
  /** A file that a field names does not exist. */
  | 'missing-file'
  /** The module of an entry does not export the function of its `method`. */
  | 'missing-method'
  /** A certificate, a key or a list of authorities cannot be used. */
  | 'certificate'

/** One problem. Never contains the value of a variable. */
export interface Diagnostic {
  readonly code: DiagnosticCode
  /** What is wrong and what to do, with the path inside the value; without the position. */
  readonly message: string
  readonly place?: SourcePosition
  readonly entry?: EntryId
  /** Path inside the entry, such as `timeouts.read`. */
  readonly path?: string
}

/** `src/app.yaml:12:9: app:proxy: port: …`, with the file relative to `root` when one is given. */
export function formatDiagnostic(problem: Diagnostic, root?: string): string {
  const { place, entry, message } = problem
  const where =
    place &&
    formatPosition(
      root === undefined || place.file.startsWith('-') ? place : { ...place, file: relative(root, place.file) },
    )
  return [where, entry, message].filter((part) => part !== undefined).join(': ')
}

/** Sorts problems by file, line and column; those without a position come last. */
export function sortDiagnostics(problems: readonly Diagnostic[]): readonly Diagnostic[] {
  return problems.toSorted((a, b) => {
    if (a.place && b.place) return comparePositions(a.place, b.place)
    return Number(a.place === undefined) - Number(b.place === undefined)
  })
}

/** Returns the error of kind `Invalid` that lists all `problems`; they are also in its `details.problems`. */
export function diagnosticsError(problems: readonly Diagnostic[]): TroupeError {
  const lines = sortDiagnostics(problems).map((problem) => formatDiagnostic(problem))
  const text = lines.length === 1 ? (lines[0] ?? '') : `${lines.length} problems:\n  ${lines.join('\n  ')}`
  return new TroupeError('Invalid', text, { details: { problems } })
}
