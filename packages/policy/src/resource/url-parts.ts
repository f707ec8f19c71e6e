/** URLs in their canonical parts, on which policies decide. */
import { canonicalHost } from '@troupe/core'
import { isIPv6 } from 'node:net'

/** The schemes that URL patterns cover. WebSockets begin as HTTP requests. */
export const schemes = ['http', 'https', 'ws', 'wss'] as const
export const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['ws', '80'],
  ['wss', '443'],
])
const urlStart = /^[\0- ]*(?:https?|wss?):[/\\]/i

/** A canonical URL, in its parts. */
export interface UrlParts {
  readonly scheme: string
  readonly host: string
  /** Always present, also for the default port. */
  readonly port: string
  readonly path: string
}

/** Returns whether a text is a URL, whatever the action is: no id, address or path of this machine begins like one. */
export function isUrl(resource: string): boolean {
  return urlStart.test(resource)
}

/**
 * Returns a URL in the canonical spelling on which policies decide. Case, dot segments, default ports,
 * percent-encoding, IDNA, backslashes and trailing dots make no difference. Credentials, query and fragment are no part
 * of it. `undefined` for a text that is not a URL.
 */
export function canonicalUrl(text: string): string | undefined {
  const parts = urlParts(text)
  return parts && textOf(parts)
}

/** Returns the parts of a URL in canonical spelling; `undefined` for a text that is not a URL of these schemes. */
export function urlParts(text: string): UrlParts | undefined {
  const url = URL.parse(text)
  if (url === null) return undefined
  const scheme = url.protocol.slice(0, -1)
  const port = url.port === '' ? defaultPorts.get(scheme) : url.port
  // The parser decodes percent-encoding, and accepts characters that no host name has.
  const known = canonicalHost(url.hostname) ?? url.hostname.replace(/\.+$/, '')
  const host = isIPv6(known) ? `[${known}]` : known
  return port === undefined || host === '' ? undefined : { scheme, host, port, path: canonicalEncoding(url.pathname) }
}

function textOf({ scheme, host, port, path }: UrlParts): string {
  return `${scheme}://${host}${port === defaultPorts.get(scheme) ? '' : `:${port}`}${path}`
}

/**
 * Encoded characters that another spelling would make part of the syntax: they stay encoded. `*` belongs to the
 * pattern.
 */
const structural = new Set(['/', '\\', '%', '?', '#', '*'])

/** Encodes the characters that need it, in upper case, and no others. */
export function canonicalEncoding(path: string): string {
  return path.replaceAll('*', '%2A').replaceAll(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return /[!-~]/.test(character) && !structural.has(character) ? character : encoded.toUpperCase()
  })
}
