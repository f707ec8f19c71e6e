/**
 * Patterns of URLs in policies: scheme, host, port and path are matched apart, so that a `*` never reaches from one into the next. Both sides
 * are brought to one canonical spelling first.
 */
import { canonicalHost, invalid } from '@troupe/core'
import { isIPv6 } from 'node:net'
import { Glob } from '../condition/glob.ts'

/** What URL patterns are about. WebSockets begin as HTTP requests. */
const schemes = ['http', 'https', 'ws', 'wss'] as const
const defaultPorts = new Map([
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
  /** Written out, default or not. */
  readonly port: string
  readonly path: string
}

/** Whether a text is a URL whatever it is a resource of: no id, address or path of this machine begins like one. */
export function isUrl(resource: string): boolean {
  return urlStart.test(resource)
}

/**
 * A URL in the one spelling on which policies decide: case, dot segments, default ports, percent-encoding, IDNA, backslashes and trailing dots
 * make no difference, and credentials, query and fragment are no part of it. `undefined` for what is no URL.
 */
export function canonicalUrl(text: string): string | undefined {
  const parts = urlParts(text)
  return parts && textOf(parts)
}

/** The parts of a URL in canonical spelling; `undefined` for what is no URL of these schemes. */
export function urlParts(text: string): UrlParts | undefined {
  const url = URL.parse(text)
  if (url === null) return undefined
  const scheme = url.protocol.slice(0, -1)
  const port = url.port === '' ? defaultPorts.get(scheme) : url.port
  // The parser decodes what is encoded, and takes characters that no host name has.
  const known = canonicalHost(url.hostname) ?? url.hostname.replace(/\.+$/, '')
  const host = isIPv6(known) ? `[${known}]` : known
  return port === undefined || host === '' ? undefined : { scheme, host, port, path: canonicalPath(url.pathname) }
}

function textOf({ scheme, host, port, path }: UrlParts): string {
  return `${scheme}://${host}${port === defaultPorts.get(scheme) ? '' : `:${port}`}${path}`
}

/** Encoded characters that another spelling would make part of the syntax: they stay encoded. `*` is the pattern's own. */
const structural = new Set(['/', '\\', '%', '?', '#', '*'])

/** Encodes what has to be encoded, in upper case, and nothing else. */
function canonicalPath(path: string): string {
  return path.replaceAll('*', '%2A').replaceAll(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return /[!-~]/.test(character) && !structural.has(character) ? character : encoded.toUpperCase()
  })
}

/** Whether a pattern is one of URLs. */
export function isUrlPattern(pattern: string): boolean {
  return pattern.includes('://')
}

/**
 * `scheme://host:port/path`. `*` for a scheme stands for any of them, in place of a host for any host, as its first label for one or more labels
 * (`*.example.com`), behind text in a label for what is left of that label (`api-*.example.com`), as a port for any port, in a path for any run
 * of characters. Without a port it is the scheme's default; without a path any path.
 *
 * @example
 * ```ts
 * new UrlPattern('https://*.example.com/v1/*').match({ scheme: 'https', host: 'a.example.com', port: '443', path: '/v1/x' }) // true
 * ```
 */
export class UrlPattern {
  readonly #scheme: string | undefined
  /** `undefined`: any. */
  readonly #host: string | RegExp | undefined
  /** `undefined`: the scheme's default. */
  readonly #port: string | undefined
  readonly #path: Glob | undefined

  /** @throws TroupeError `Invalid` for what is no pattern of URLs. */
  constructor(pattern: string) {
    const [, scheme = '', authority = '', path] = /^([^:/]*):\/\/([^/?#\\]*)(.*)$/s.exec(pattern) ?? []
    this.#scheme = schemeOf(pattern, scheme.toLowerCase())
    const [, host = '', port] = /^(.*?)(?::(\d{1,5}|\*))?$/s.exec(authority) ?? []
    this.#host = hostOf(pattern, host)
    if (port === '0' || Number(port) > 65_535) throw malformed(pattern, `there is no port ${port}`)
    this.#port = port === undefined || port === '*' ? port : String(Number(port))
    this.#path = path === undefined || path === '' ? undefined : new Glob(pathOf(pattern, path))
  }

  match({ scheme, host, port, path }: UrlParts): boolean {
    return (
      (this.#scheme === undefined || scheme === this.#scheme) &&
      (this.#port === '*' || port === (this.#port ?? defaultPorts.get(scheme))) &&
      this.#matchHost(host) &&
      (this.#path === undefined || this.#path.match(path))
    )
  }

  #matchHost(host: string): boolean {
    if (this.#host === undefined) return true
    return typeof this.#host === 'string' ? host === this.#host : this.#host.test(host)
  }
}

function schemeOf(pattern: string, scheme: string): string | undefined {
  if (scheme === '*') return undefined
  if (!schemes.some((known) => known === scheme)) throw malformed(pattern, `its scheme is none of ${schemes.join(', ')} and *`)
  return scheme
}

function hostOf(pattern: string, host: string): string | RegExp | undefined {
  if (host === '*') return undefined
  if (host.includes('@')) throw malformed(pattern, 'it holds credentials, which are no part of a decision')
  const wildcard = host.startsWith('*.')
  const rest = wildcard ? host.slice(2) : host
  if (rest.includes('*')) return new RegExp(`^${wildcard ? '.+\\.' : ''}${labelsOf(pattern, rest)}$`)
  const parts = /[\s\0/?#\\:]/.test(rest.replace(/^\[[\d:.a-f]*\]$/i, '')) ? undefined : urlParts(`http://${rest}/`)
  if (parts === undefined) throw malformed(pattern, 'its host is not valid')
  if (!wildcard) return parts.host
  if (/^\[|(?:^|\.)\d+$/.test(parts.host)) throw malformed(pattern, 'a * and an address do not go together')
  return new RegExp(`^.+\\.${RegExp.escape(parts.host)}$`)
}

/** What a `*` behind text stands for holds no dot: `example.org*` does not cover `example.org.evil.test`. */
function labelsOf(pattern: string, host: string): string {
  const labels = host.toLowerCase().replace(/\.+$/, '').split('.')
  return labels
    .map((label) => {
      const [before = '', after, ...more] = label.split('*')
      if (!/^[\w-]*$/.test(before + (after ?? '')) || label === '') throw malformed(pattern, 'its host is not valid')
      if (after === undefined) return RegExp.escape(before)
      if (before === '' || more.length > 0) {
        throw malformed(pattern, 'in a host a * stands for whole labels at its start (*.example.com), or for the rest of a label (api-*)')
      }
      return `${RegExp.escape(before)}[^.]*${RegExp.escape(after)}`
    })
    .join('\\.')
}

function pathOf(pattern: string, path: string): string {
  if (/[?#]/.test(path)) throw malformed(pattern, 'it holds a query or a fragment, which are no part of a decision')
  // Each run between two wildcards in the spelling of the other side: the parser leaves `*` alone.
  const [first = '', ...rest] = new URL(`http://host${path}`).pathname.split('*').map(canonicalPath)
  return [first, ...rest].join('*')
}

function malformed(pattern: string, reason: string) {
  return invalid(`"${pattern}" is no pattern of URLs: ${reason}. Expected one such as "https://*.example.com/path/*"`, { pattern })
}
