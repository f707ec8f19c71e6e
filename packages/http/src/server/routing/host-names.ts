/**
 * The hosts that a service accepts. Anyone can point a name at its address, so such names are not its own (DNS
 * rebinding).
 */
import { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Incoming } from '../request/request-call.ts'

export interface HostNamesOptions {
  /** The list of the entry. */
  readonly hosts: readonly string[] | undefined
  /** The host of its `addr`; undefined for all addresses. */
  readonly host: string | undefined
  /** Whether it listens on an overlay. */
  readonly isOverlay: boolean
}

/** Maximum number of authorities that are remembered, because clients choose them. */
const maxKnown = 256

const loopback = ['localhost', '*.localhost', '127.0.0.1', '[::1]']

export class HostNames {
  /** Undefined where any host is accepted. */
  #patterns: readonly string[] | undefined
  readonly #isOverlay: boolean
  readonly #isListed: boolean
  readonly #known = new Map<string, boolean>()

  constructor({ hosts, host, isOverlay }: HostNamesOptions) {
    this.#isOverlay = isOverlay
    this.#isListed = hosts !== undefined
    this.#patterns = hosts?.map((name) => name.toLowerCase()) ?? byDefault(host, isOverlay)
  }

  /** Adds names and addresses of a service on an overlay, known once it listens there. */
  learn(names: readonly string[]): void {
    if (this.#isListed || !this.#isOverlay) return
    this.#patterns = [...new Set([...(this.#patterns ?? []), ...names.flatMap(namesOf)])]
    this.#known.clear()
  }

  /** Returns whether requests to an authority, such as `example.com:8080`, are for this service. */
  accepts(authority: string): boolean {
    const known = this.#known.get(authority)
    if (known !== undefined) return known
    const place = placeOf(authority)
    const accepted =
      place !== undefined && (this.#patterns === undefined || this.#patterns.some((pattern) => fits(pattern, place)))
    if (this.#known.size >= maxKnown) this.#known.clear()
    this.#known.set(authority, accepted)
    return accepted
  }

  /**
   * Returns whether a page from an authority came from this service. Returns false where any name is accepted, because
   * the author of the page may have pointed that name here.
   */
  isOwn(authority: string): boolean {
    if (!this.accepts(authority)) return false
    const place = placeOf(authority)
    if (place === undefined) return false
    const listed = this.#patterns?.filter((pattern) => pattern !== '*') ?? loopback
    return isAddress(place.name) || listed.some((pattern) => fits(pattern, place))
  }
}

/** Methods that are for proxies, or would show data that only the client may see (RFC 9110, 9.3). */
const refused = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Returns whether a server can respond to the method at all. */
export function isRoutable({ method = '' }: Pick<Incoming, 'method'>): boolean {
  return method === 'GET' || !refused.has(method.toUpperCase())
}

/** Returns the requested host. An absolute target takes precedence over `Host` (RFC 9112, 3.2.2). */
export function authorityOf({ url }: Pick<Request, 'url'>, incoming: Incoming): string {
  if (!(incoming instanceof IncomingMessage)) return incoming.authority
  return incoming.url?.startsWith('/') === true ? (incoming.headers.host ?? '') : (URL.parse(url)?.host ?? '')
}

function byDefault(host: string | undefined, isOverlay: boolean): readonly string[] | undefined {
  if (isOverlay) return []
  if (host === undefined || host === '0.0.0.0' || placeOf(bracketed(host))?.name === '[::]') return undefined
  const name = placeOf(bracketed(host))?.name ?? host
  const isLoopback = name.startsWith('127.') || loopback.some((pattern) => fits(pattern, { name, port: '' }))
  return isLoopback ? [...loopback, name] : [name]
}

/** Returns a name and its short form. I2P has more names for a destination than the service knows. */
function namesOf(name: string): readonly string[] {
  const full = bracketed(name.toLowerCase().replace(/\.$/, ''))
  if (full.endsWith('.i2p')) return [full, '*.i2p']
  return isAddress(full) ? [full] : [full, full.split('.')[0] ?? full]
}

interface Place {
  /** In canonical spelling: lower case, addresses in their usual form. */
  readonly name: string
  readonly port: string
}

/** Undefined for an invalid authority. */
function placeOf(authority: string): Place | undefined {
  if (/[/?#@\\\s]/.test(authority)) return undefined
  const url = URL.parse(`http://${authority}/`)
  if (url === null) return undefined
  return { name: url.hostname.replace(/\.$/, ''), port: /:(\d+)$/.exec(authority)?.[1] ?? '' }
}

function fits(pattern: string, { name, port }: Place): boolean {
  if (pattern === '*') return true
  const [, wanted = pattern, wantedPort] = /^(.*[^:]):(\d+)$/.exec(pattern) ?? []
  if (wantedPort !== undefined && wantedPort !== port) return false
  return wanted.startsWith('*.') ? name.length > wanted.length - 1 && name.endsWith(wanted.slice(1)) : name === wanted
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
