/** The findings of `troupe check`: the registry's problems, and those of modules and commands. */
import { relative } from 'node:path'
import { TroupeError } from '@troupe/core'
import { comparePositions, formatPosition, type Diagnostic } from '@troupe/registry'

export interface CheckDiagnostic extends Omit<Diagnostic, 'code'> {
  readonly code:
    | Diagnostic['code']
    /** A module, or a JSON file that it imports, cannot be parsed. */
    | 'module-syntax'
    /** A module imports a file or a package that does not exist. */
    | 'missing-import'
    /** A module imports a name that the other module does not export. */
    | 'missing-export'
    /** Two entries are commands of the same name. */
    | 'duplicate-command'
    /** A warning: in a pool of one thread, calls from different networks wait for each other. */
    | 'one-thread'
  /** A warning: the application runs in spite of it. */
  readonly severity?: 'warning'
}

/** `src/_index.yaml:12:9: app:proxy: port: …`, with the file relative to the current folder. */
export function formatCheckDiagnostic({ place, entry, message, severity }: CheckDiagnostic): string {
  // For a value from the command line, the "file" is its option.
  const shown = place && (place.file.startsWith('-') ? place : { ...place, file: relative(process.cwd(), place.file) })
  return [shown && formatPosition(shown), severity, entry, message].filter((part) => part !== undefined).join(': ')
}

/** By file, line and column; those without a position come last. */
export function sortCheckDiagnostics(findings: readonly CheckDiagnostic[]): readonly CheckDiagnostic[] {
  return findings.toSorted((a, b) =>
    a.place && b.place ? comparePositions(a.place, b.place) : Number(!a.place) - Number(!b.place),
  )
}

/** The problems in the `details.problems` of a registry error. */
export function checkDiagnosticsIn(error: unknown): readonly CheckDiagnostic[] {
  const problems = error instanceof TroupeError ? error.details['problems'] : undefined
  return Array.isArray(problems) ? problems.filter(isFinding) : []
}

function isFinding(value: unknown): value is CheckDiagnostic {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value
}
