/** Where a value stands, in a file and inside the value. */

/** A position in a file. Lines and columns count from 1. */
export interface Place {
  /** Absolute path; or the option of the command line that gave the value, such as `-o app:proxy:port`. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The way from a value to a part of it: keys as YAML writes them, and indexes. */
export type Path = readonly (string | number)[]

/** `timeouts.read`, `middleware[2].name`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
  return text
}

/** Steps of `timeouts.read` or `middleware[2].name` (also `middleware.2.name`). */
export function parsePath(text: string): Path {
  const steps = text.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step))
}

/** `src/app.yaml:12:9`. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`
}

/** Orders places by file, line and column. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
