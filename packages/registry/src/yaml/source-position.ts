/** Positions of values, in a file and inside a value. */

/** A position in a file. Lines and columns count from 1. */
export interface SourcePosition {
  /** Absolute path; or the command-line option that gave the value, such as `-o app:proxy:port`. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The path from a value to a part of it: keys as YAML writes them, and indexes. */
export type Path = readonly (string | number)[]

const plainStep = /^[\w$-]*[A-Za-z_$-][\w$-]*$/
const step = /\["((?:[^"\\]|\\[^])*)"\]|\[(\d+)\]|([^.[\]]+)/g

/** `timeouts.read`, `middleware[2].name`, `options["inbound.length"]`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (plainStep.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(part)}]`
  }
  return text
}

/** Returns the steps of a path that {@link formatPath} wrote; `middleware.2.name` is also accepted. */
export function parsePath(text: string): Path {
  return Array.from(text.matchAll(step), ([, quoted, index, plain = '']) => {
    if (quoted !== undefined) return unquote(quoted)
    return index !== undefined || /^\d+$/.test(plain) ? Number(index ?? plain) : plain
  })
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}

/** `src/app.yaml:12:9`. */
export function formatPosition(place: SourcePosition): string {
  return `${place.file}:${place.line}:${place.column}`
}

/** Orders positions by file, line and column. */
export function comparePositions(a: SourcePosition, b: SourcePosition): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
