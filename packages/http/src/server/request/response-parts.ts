/**
 * The parts of a response: its body, if the whole body is in memory, and its head as it may be written, which is
 * checked and has no fields of the connection.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { TroupeError } from '@troupe/core'

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
let sent: Response | undefined

export function findWholeKey(): void {
  const sample = new Response('')
  sent = new Response(null)
  wholeKey = Object.getOwnPropertySymbols(sample).find(({ description }) => description === 'cache')
  light = Response.prototype
}

/**
 * Signals to hono that a whole response has been sent. hono would write this one, which {@link Http1Outgoing} ignores:
 * the value that hono has for this purpose makes it copy and read header fields first.
 */
export function sentWhole(): Response {
  return sent ?? RESPONSE_ALREADY_SENT
}

/** Returns whether {@link wholeOf} returns something. */
export function isWhole(response: Response): boolean {
  // A subclass, such as the result of `http.get()`, may create its body in another way.
  if (wholeKey === undefined || Object.getPrototypeOf(response) !== light) return false
  const known: unknown = Reflect.get(response, wholeKey)
  return Array.isArray(known) && (known[1] === null || typeof known[1] === 'string' || known[1] instanceof Uint8Array)
}

/** Returns a response without a body, or with a whole body, if that is known without opening it; else nothing. */
export function wholeOf(response: Response): Whole | undefined {
  // A subclass, such as the result of `http.get()`, may create its body in another way.
  if (wholeKey === undefined || Object.getPrototypeOf(response) !== light) return undefined
  const known: unknown = Reflect.get(response, wholeKey)
  if (!Array.isArray(known)) return undefined
  const status: unknown = known[0]
  const body: unknown = known[1]
  const fields: unknown = known[2]
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) return undefined
  return { status: Number(status), body, fields: fieldsOf(fields, body) }
}

/** What `Response` adds for text: known to be valid. */
const textType = ['content-type', 'text/plain; charset=UTF-8'] as const
const onlyTextType = [textType]

function fieldsOf(given: unknown, body: unknown): Iterable<readonly [string, string]> {
  if (given === undefined || given === null) return typeof body === 'string' ? onlyTextType : []
  if (given instanceof Headers)
    return typeof body !== 'string' || given.has('content-type') ? given : [...given, textType]
  const fields = isIterable(given)
    ? [...given].map(pairOf)
    : Object.entries(given).flatMap(([name, value]) => several(name, value))
  const hasType =
    typeof body !== 'string' || fields.some(([name]) => name.length === 12 && name.toLowerCase() === 'content-type')
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

/** Whether a response is a stream of events. */
export function isEventStream(response: Response): boolean {
  return !isWhole(response) && response.headers.get('content-type')?.startsWith('text/event-stream') === true
}

export type Fields = Record<string, string | string[]>

export interface Head {
  readonly status: number
  readonly fields: Fields
  /** `content-length`, where it is valid. */
  readonly length: number | undefined
}

/**
 * Fields about one connection (RFC 9110, 7.6.1), which a handler may have copied from the response of another server.
 * The server itself determines how a message ends; HTTP/2 forbids all these fields.
 */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'http2-settings',
])

/** Responses to HEAD have no content either (RFC 9110, 6.4.1). */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

/** @throws TroupeError `Internal` for a status that ends no request, an invalid name, a value that cannot be sent. */
export function headOf(status: number, given: Iterable<readonly [string, string]>): Head {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw unsendable(`its status is ${String(status)}, expected 200 to 599`)
  const fields: Fields = {}
  let length: number | undefined
  for (const pair of given) {
    const [field, value] = pair
    if (pair === textType) {
      fields['content-type'] = value
      continue
    }
    const name = field.toLowerCase()
    if (ofConnections.has(name)) {
      if (name === 'upgrade' && status === 426) fields[name] = value
      continue
    }
    if (name === 'content-length') {
      // An invalid length is not sent, and a response without content has no length (RFC 9110, 8.6).
      length = /^\d{1,15}$/.test(value) ? Number(value) : undefined
      continue
    }
    check(name, value)
    const before = fields[name]
    if (name === 'set-cookie') fields[name] = [before ?? [], value].flat()
    else fields[name] = before === undefined ? value : `${String(before)}, ${value}`
  }
  return { status, fields, length }
}

function check(name: string, value: string): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch (cause) {
    throw unsendable(
      `its header "${name.slice(0, 64)}" cannot be sent: encode text that is not Latin-1 (encodeURI() for a location)`,
      cause,
    )
  }
}

function unsendable(why: string, cause?: unknown): TroupeError {
  return new TroupeError('Internal', `the response cannot be sent: ${why}`, { cause })
}
