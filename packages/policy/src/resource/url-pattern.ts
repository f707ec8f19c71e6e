/**
 * Patterns of URLs in policies: scheme, host, port and path are matched separately, so that a `*` never reaches from
 * one into the next. Pattern and URL are converted to one canonical spelling first.
 */
import { invalid } from '@troupe/core'
import { Glob } from '../condition/glob.ts'
import { canonicalEncoding, defaultPorts, schemes, type UrlParts, urlParts } from './url-parts.ts'

/** Returns whether a pattern is a URL pattern. */
export function isUrlPattern(pattern: string): boolean {
  return pattern.includes('://')
}

/**
 * `scheme://host:port/path`. A `*` stands for:
 * - as a scheme: any of the schemes
 * - as a host: any host; as its first label: one or more labels (`*.example.com`); after text in a label: the rest of
 * that label (`api-*.example.com`)
 * - as a port: any port
 * - in a path: any run of characters
 *
 * Without a port the pattern covers the scheme's default port; without a path any path.
 *
 * @example
 * ```ts
 * const parts = { scheme: 'https', host: 'a.example.com', port: '443', path: '/v1/x' }
 * new UrlPattern('https://*.example.com/v1/*').match(parts) // true
 * ```
 */
export class UrlPattern {
  readonly #scheme: string | undefined
  /** `undefined`: any host. */
  readonly #host: string | RegExp | undefined
  /** `undefined`: the scheme's default. */
  readonly #port: string | undefined
  readonly #path: Glob | undefined

  /** @throws TroupeError `Invalid` for an invalid URL pattern. */
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
  if (!schemes.some((known) => known === scheme))
    throw malformed(pattern, `its scheme is none of ${schemes.join(', ')} and *`)
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

/** A `*` after text covers no dot: `example.org*` does not cover `example.org.evil.test`. */
function labelsOf(pattern: string, host: string): string {
  const labels = host.toLowerCase().replace(/\.+$/, '').split('.')
  return labels
    .map((label) => {
      const [before = '', after, ...more] = label.split('*')
      if (!/^[\w-]*$/.test(before + (after ?? '')) || label === '') throw malformed(pattern, 'its host is not valid')
      if (after === undefined) return RegExp.escape(before)
      if (before === '' || more.length > 0) {
        throw malformed(
          pattern,
          'in a host a * stands for whole labels at its start (*.example.com), or for the rest of a label (api-*)',
        )
      }
      return `${RegExp.escape(before)}[^.]*${RegExp.escape(after)}`
    })
    .join('\\.')
}

function pathOf(pattern: string, path: string): string {
  if (/[?#]/.test(path)) throw malformed(pattern, 'it holds a query or a fragment, which are no part of a decision')
  // Each run between two wildcards gets the same spelling as the URL: the parser leaves `*` unchanged.
  const [first = '', ...rest] = new URL(`http://host${path}`).pathname.split('*').map(canonicalEncoding)
  return [first, ...rest].join('*')
}

function malformed(pattern: string, reason: string) {
  return invalid(`"${pattern}" is not a URL pattern: ${reason}. Expected one such as "https://*.example.com/path/*"`, {
    pattern,
  })
}
