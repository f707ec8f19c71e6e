/**
 * Decides which requests the dashboard takes: those that name a host of its own and come from a page of its own, or
 * from no page. What a token permits is decided here too. It fails closed.
 */
import type { IncomingMessage } from 'node:http'
import { hasToken } from '../bearer-token.ts'
import type { DashboardData, Role } from './protocol.ts'

/** Header fields of each response. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Requests that a browser makes for a page of the dashboard itself, or for an address that a person typed. */
const ownSites: ReadonlySet<string> = new Set(['same-origin', 'none'])

type GateData = Pick<DashboardData, 'hosts' | 'aliases' | 'tls' | 'tokens'>

export class Gate {
  /** Values of `Origin` begin so. A proxy in front of it may have a certificate. */
  readonly #schemes: readonly string[]
  readonly #hosts: ReadonlySet<string>
  readonly #isPortFree: boolean
  readonly #tokens: DashboardData['tokens']

  /** @param port - `undefined` for a Unix socket: what forwards to it chooses a port. */
  constructor({ hosts, aliases, tls, tokens }: GateData, port: number | undefined) {
    this.#schemes = tls === undefined ? ['https://', 'http://'] : ['https://']
    const usual = tls === undefined ? 80 : 443
    this.#isPortFree = port === undefined
    this.#hosts = new Set([
      ...hosts.flatMap((host) => (port === undefined || port === usual ? [host] : [])),
      ...[...hosts, ...aliases].map((host) => `${host}:${port}`),
      ...aliases,
    ])
    this.#tokens = tokens
  }

  /** Whether a request may get any byte. */
  admits({ headers, headersDistinct, url }: IncomingMessage): boolean {
    const [host, second] = headersDistinct['host'] ?? []
    if (host === undefined || second !== undefined || !this.#isOwn(host.toLowerCase())) return false
    const { origin, 'sec-fetch-site': site } = headers
    if (origin !== undefined && !this.#schemes.some((scheme) => origin === scheme + host.toLowerCase())) return false
    if (site !== undefined && (typeof site !== 'string' || !ownSites.has(site))) return false
    // Not a request to a proxy, such as `GET http://other/`.
    return url?.startsWith('/') === true && !url.startsWith('//')
  }

  /** The role that a request's token gives; none without a valid token. */
  roleOf({ headers: { authorization } }: IncomingMessage): Role | undefined {
    const isOperator = hasToken(authorization, this.#tokens.operator)
    const isReader = hasToken(authorization, this.#tokens.reader)
    if (isOperator) return 'operator'
    return isReader ? 'reader' : undefined
  }

  #isOwn(host: string): boolean {
    return this.#hosts.has(host) || (this.#isPortFree && this.#hosts.has(host.replace(/:\d{1,5}$/, '')))
  }
}
