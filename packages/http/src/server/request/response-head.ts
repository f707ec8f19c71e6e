/** The head of a response, as it may be written: checked, and without fields of the connection. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { TroupeError } from '@troupe/core'

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
  if (!Number.isInteger(status) || status < 200 || status > 599) throw unsendable(`its status is ${String(status)}, expected 200 to 599`)
  const fields: Fields = {}
  let length: number | undefined
  for (const [field, value] of given) {
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
