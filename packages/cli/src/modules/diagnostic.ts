/** What `troupe check` finds: the registry's problems, and those of modules and commands. */
import { relative } from 'node:path'
import { TroupeError } from '@troupe/core'
import { comparePlaces, formatPlace, type Problem } from '@troupe/registry'

export interface Finding extends Omit<Problem, 'code'> {
  readonly code: Problem['code'] | 'module-syntax' | 'missing-import' | 'missing-export' | 'duplicate-command' | 'one-thread'
  /** It runs all the same. */
  readonly severity?: 'warning'
}

/** `src/_index.yaml:12:9: app:proxy: port: …`, with the file relative to the current folder. */
export function formatFinding({ place, entry, message, severity }: Finding): string {
  // The "file" of a value from the command line is its option.
  const shown = place && (place.file.startsWith('-') ? place : { ...place, file: relative(process.cwd(), place.file) })
  return [shown && formatPlace(shown), severity, entry, message].filter((part) => part !== undefined).join(': ')
}

/** By file, line and column; those without a place last. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => (a.place && b.place ? comparePlaces(a.place, b.place) : Number(!a.place) - Number(!b.place)))
}

/** The problems that an error of the registry tells of, in its `details.problems`. */
export function findingsIn(error: unknown): readonly Finding[] {
  const problems = error instanceof TroupeError ? error.details['problems'] : undefined
  return Array.isArray(problems) ? problems.filter(isFinding) : []
}

function isFinding(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}
