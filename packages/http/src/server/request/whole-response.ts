/** Responses whose whole body is in memory. */

/** The arguments from which hono's `Response` was made. */
export interface Whole {
  readonly status: number
  readonly fields: Iterable<readonly [string, string]>
  readonly body: string | Uint8Array | null
}

/**
 * The key under which hono's `Response` keeps its constructor arguments, until code uses its body. If the key cannot be
 * found, only speed is lost. Read after hono's server has replaced Node's class.
 */
let wholeKey: symbol | undefined
let light: object | undefined

export function findWholeKey(): void {
  const sample = new Response('')
  wholeKey = Object.getOwnPropertySymbols(sample).find(({ description }) => description === 'cache')
  light = Response.prototype
}

/** Returns a response without a body, or with a whole body, if that is known without opening it; else nothing. */
export function wholeOf(response: Response): Whole | undefined {
  // A subclass, such as the result of `http.get()`, may create its body in another way.
  if (wholeKey === undefined || Object.getPrototypeOf(response) !== light) return undefined
  const known: unknown = Reflect.get(response, wholeKey)
  if (!Array.isArray(known)) return undefined
  const parts: readonly unknown[] = known
  const [status, body, fields] = parts
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) return undefined
  return { status: Number(status), body, fields: fieldsOf(fields, body) }
}

const textType = ['content-type', 'text/plain; charset=UTF-8'] as const

function fieldsOf(given: unknown, body: unknown): Iterable<readonly [string, string]> {
  if (given === undefined || given === null) return typeof body === 'string' ? [textType] : []
  if (given instanceof Headers) return typeof body !== 'string' || given.has('content-type') ? given : [...given, textType]
  const fields = isIterable(given) ? [...given].map(pairOf) : Object.entries(given).flatMap(([name, value]) => several(name, value))
  const hasType = typeof body !== 'string' || fields.some(([name]) => name.length === 12 && name.toLowerCase() === 'content-type')
  return hasType ? fields : [...fields, textType]
}

function isIterable(given: object): given is Iterable<unknown> {
  return Symbol.iterator in given
}

function pairOf(pair: unknown): readonly [string, string] {
  const parts: readonly unknown[] = Array.isArray(pair) ? pair : []
  const [name, value] = parts
  return [String(name), String(value)]
}

function several(name: string, value: unknown): readonly (readonly [string, string])[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.map((each) => [name, String(each)])
}
