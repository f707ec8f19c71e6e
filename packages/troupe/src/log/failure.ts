/** Formats errors for log lines: as text, and as fields. */
import { inspect } from 'node:util'
import { loggable } from './loggable.ts'
import { userFrames } from './stack.ts'

/** The number of causes that are shown. */
const mostCauses = 8

/** `TypeError: … at src/shop.ts:3:9; because RangeError: …` */
export function wordsOf(error: unknown, root: string): string {
  const words: string[] = []
  for (let at = error; at !== undefined && words.length < mostCauses; at = partOf(at, 'cause'))
    words.push(headOf(at, root))
  return words.join('; because ')
}

/**
 * What {@link wordsOf} does not contain: the error's own fields, and the positions in the application's code if there
 * are several.
 */
export function fieldsOf(error: unknown, root: string): Readonly<Record<string, unknown>> {
  const fields = loggable(error)
  if (!isRecord(fields)) return {}
  const { name: _name, message: _message, stack, cause: _cause, kind: _kind, ...others } = fields
  const at = typeof stack === 'string' ? userFrames(stack, root) : []
  return { ...others, ...(at.length > 1 && { at }) }
}

function headOf(error: unknown, root: string): string {
  const message = textOf(error, 'message')
  if (!isRecord(error) || message === undefined)
    return inspect(loggable(error), { breakLength: Number.POSITIVE_INFINITY, compact: true })
  const [place] = userFrames(textOf(error, 'stack') ?? '', root)
  return `${nameOf(error)}: ${message}${place === undefined ? '' : ` at ${place}`}`
}

/** An error of user code keeps its name: `RangeError: …`; a TroupeError shows its kind. */
function nameOf(error: object): string {
  const name = textOf(error, 'name') ?? 'Error'
  return name === 'TroupeError' ? (textOf(error, 'kind') ?? name) : name
}

function textOf(value: unknown, key: string): string | undefined {
  const part = partOf(value, key)
  return typeof part === 'string' ? part : undefined
}

function partOf(value: unknown, key: string): unknown {
  try {
    return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
