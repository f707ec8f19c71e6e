/** Names with values, as headers and as `application/x-www-form-urlencoded`. */
import { invalid } from '@troupe/core'
import type { Fields, HeaderFields } from '../options.ts'

/** Adds `fields` to `target`, in their order. */
export function appendFields(target: URLSearchParams, fields: Fields): void {
  if (fields instanceof URLSearchParams) {
    for (const [name, value] of fields) target.append(name, value)
    return
  }
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue
    if (typeof value === 'object') for (const each of value) target.append(name, String(each))
    else target.append(name, String(value))
  }
}

/** Fields that frame the message or belong to the connection (RFC 9110 §7.6.1): ours to set. */
const ours = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'expect'])

/** @throws TroupeError `Invalid` with the field's path, for a name or value that cannot be sent or is not the caller's to set. */
export function headersOf(fields: HeaderFields | undefined, where: string): Headers {
  const headers = new Headers()
  for (const [name, value] of pairs(fields)) {
    const path = `${where}.${name}`
    if (ours.has(name.toLowerCase())) throw invalid(`${path}: the field belongs to the connection and cannot be set`, { path })
    try {
      headers.append(name, value)
    } catch {
      // The platform's message repeats the value, which may be a secret.
      throw invalid(`${path}: not a header field that can be sent`, { path })
    }
  }
  return headers
}

function* pairs(fields: HeaderFields | undefined): Generator<readonly [string, string]> {
  if (fields === undefined) return
  if (Symbol.iterator in fields) {
    yield* fields
    return
  }
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') yield [name, value]
    else for (const each of value ?? []) yield [name, each]
  }
}
