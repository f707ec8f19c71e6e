/** Names with values, as headers and as `application/x-www-form-urlencoded`. */
import { invalid } from '@troupe/core'
import type { Fields, HeaderFields } from '../../options.ts'

/** Adds `fields` to `target`, in order. */
export function appendFields(target: URLSearchParams, fields: Fields): void {
  for (const [name, value] of pairsOf(fields)) target.append(name, value)
}

/** Returns names and values as text, in order. */
export function* pairsOf(fields: Fields): Generator<readonly [string, string]> {
  if (fields instanceof URLSearchParams) {
    yield* fields
    return
  }
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue
    if (typeof value === 'object') for (const each of value) yield [name, String(each)]
    else yield [name, String(value)]
  }
}

/**
 * Header fields by name in lower case. A field that occurs twice is joined (RFC 9110 §5.3). Most requests have few
 * fields, so a list is fast enough.
 */
export class HeaderList {
  /** Name, value, name, value: the form that undici accepts directly. */
  readonly flat: string[]

  constructor(flat: string[] = []) {
    this.flat = flat
  }

  get(name: string): string | undefined {
    const at = this.#at(name)
    return at < 0 ? undefined : this.flat[at + 1]
  }

  has(name: string): boolean {
    return this.#at(name) >= 0
  }

  set(name: string, value: string): void {
    const at = this.#at(name)
    if (at < 0) this.flat.push(name, value)
    else this.flat[at + 1] = value
  }

  append(name: string, value: string): void {
    const present = this.get(name)
    this.set(name, present === undefined ? value : `${present}${name === 'cookie' ? '; ' : ', '}${value}`)
  }

  delete(name: string): void {
    const at = this.#at(name)
    if (at >= 0) this.flat.splice(at, 2)
  }

  names(): readonly string[] {
    return this.flat.filter((_text, at) => at % 2 === 0)
  }

  copy(): HeaderList {
    return new HeaderList([...this.flat])
  }

  #at(name: string): number {
    for (let at = 0; at < this.flat.length; at += 2) if (this.flat[at] === name) return at
    return -1
  }
}

/** Fields that frame the message or belong to the connection (RFC 9110 §7.6.1): only the client sets them. */
const ours = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
])
/** RFC 9110 §5.6.2 */
export const token = /^[\w!#$%&'*+.^`|~-]+$/
const aroundValue = /^[\t\n\r ]+|[\t\n\r ]+$/g
/** RFC 9110 §5.5: visible characters, spaces, tabs, and bytes beyond ASCII. */
const fieldValue = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

/**
 * @throws TroupeError `Invalid` with the field's path, for a name or value that cannot be sent or that the caller must
 *   not set.
 */
export function headersOf(fields: HeaderFields | undefined, where: string): HeaderList {
  const headers = new HeaderList()
  if (fields === undefined) return headers
  for (const [given, text] of pairs(fields)) {
    const name = given.toLowerCase()
    const path = `${where}.${given}`
    if (ours.has(name)) throw invalid(`${path}: the field belongs to the connection and cannot be set`, { path })
    const value = text.replaceAll(aroundValue, '')
    // The value is not repeated, because it may be a secret.
    if (!token.test(name) || !isFieldValue(value))
      throw invalid(`${path}: not a header field that can be sent`, { path })
    headers.append(name, value)
  }
  return headers
}

export function isFieldValue(value: string): boolean {
  return fieldValue.test(value)
}

function* pairs(fields: HeaderFields): Generator<readonly [string, string]> {
  if (Symbol.iterator in fields) {
    yield* fields
    return
  }
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') yield [name, value]
    else for (const each of value ?? []) yield [name, each]
  }
}
