/** The findings of `troupe doctor`. */
import { relative } from 'node:path'
import { type Entry, formatPosition, type Path, positionOf, type SourcePosition } from '@troupe/registry'

export type Severity = 'ok' | 'warning' | 'error'

/** One result of one check. */
export interface Finding {
  /** `error`: something does not work, or is open to others. `warning`: it works, but not as well or as safely. */
  readonly severity: Severity
  /** The check that found it. */
  readonly check: string
  readonly message: string
  /** The file, entry, variable or setting of the system that it is about. */
  readonly where?: string | undefined
  /** A command to run, or a line of the configuration to change. */
  readonly remedy?: string | undefined
}

/** What a check returns: {@link Finding} without its name. */
export type Found = Omit<Finding, 'check'>

/** Returns a finding of something that works. */
export function ok(message: string, where?: string): Found {
  return { severity: 'ok', message, where }
}

/** The command that provides the sidecar and the launcher, whose package may not be installed. */
export function programsRemedy(reason: string): string {
  const install = 'npm install @troupe/tsnet'
  return reason.includes(install) ? install : 'npx troupe-tsnet build'
}

/** `src/_index.yaml:3:5: app:proxy`, with the file relative to the current folder. */
export function placeOf(entry: Entry, path: Path = []): string {
  const place = positionOf(entry, path)
  return place === undefined ? entry.id : `${shownPosition(place)}: ${entry.id}`
}

/** A position, with the file relative to the current folder. For a value of the command line, it names the option. */
export function shownPosition(place: SourcePosition): string {
  return formatPosition(place.file.startsWith('-') ? place : { ...place, file: shownPath(place.file) })
}

/** The path of a file: relative to the current folder if it is below it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}

/** A word for a shell: quoted if it needs to be. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
