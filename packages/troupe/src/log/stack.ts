/** Extracts the part of a stack that belongs to the application's own code. */
import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Troupe's packages, which are in one folder. */
const own = fileURLToPath(new URL('../../../', import.meta.url))
/** The maximum number of frames that are shown. */
const most = 10

/**
 * Positions in the application's own code, the innermost first: `total (src/shop.ts:12:5)`, relative to `root`. For a
 * module that cannot be parsed, the position of its syntax error.
 *
 * @example
 * ```ts
 * console.log(userFrames(new Error('lost').stack ?? '', process.cwd())) // ['total (src/shop.ts:12:5)']
 * ```
 */
export function userFrames(stack: string, root: string): readonly string[] {
  const places = stack.split('\n').flatMap((line, index) => placeOf(line, index))
  const users = places.filter(({ file }) => !file.includes('/node_modules/') && !file.startsWith(own))
  return users.slice(0, most).map(({ call, file, at }) => {
    const place = `${shorten(file, root)}:${at}`
    return call === undefined ? place : `${call} (${place})`
  })
}

interface Place {
  readonly call: string | undefined
  readonly file: string
  /** The line and, if known, the column. */
  readonly at: string
}

function placeOf(line: string, index: number): readonly Place[] {
  // The position of a syntax error comes before the message: `/app/src/level.ts:1`.
  const fault = index === 0 ? /^((?:file:\/\/)?\/[^()]*):(\d+)$/.exec(line) : null
  const frame = /^\s+at (?:(?:async )?(.*?) \()?(?:async )?((?:file:\/\/)?\/[^()]*?):(\d+:\d+)\)?$/.exec(line)
  const [, call, file, at] = frame ?? (fault === null ? [] : [undefined, undefined, fault[1], fault[2]])
  return file === undefined || at === undefined ? [] : [{ call, file: pathOf(file), at }]
}

function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file
  try {
    return fileURLToPath(file.replace(/[?#].*$/, ''))
  } catch {
    return file
  }
}

function shorten(file: string, root: string): string {
  const short = relative(root, file)
  return short.startsWith('..') || isAbsolute(short) ? file : short
}
