/** Which hosts a service answers: names that anybody may point at its address are none of its own (DNS rebinding). */
import { isIP } from 'node:net'

export interface HostNamesOptions {
  /** The list of the entry. */
  readonly hosts: readonly string[] | undefined
  /** The host of its `addr`; none for all addresses. */
  readonly host: string | undefined
  /** Whether it listens on an overlay. */
  readonly isOverlay: boolean
}

/** Authorities that are remembered: clients choose them. */
const maxKnown = 256

const loopback = ['localhost', '*.localhost', '127.0.0.1', '[::1]']

export class HostNames {
  /** Nothing where any host is answered. */
  #patterns: readonly string[] | undefined
  readonly #isOverlay: boolean
  readonly #isListed: boolean
  readonly #known = new Map<string, boolean>()

  constructor({ hosts, host, isOverlay }: HostNamesOptions) {
    this.#isOverlay = isOverlay
    this.#isListed = hosts !== undefined
    this.#patterns = hosts?.map((name) => name.toLowerCase()) ?? byDefault(host, isOverlay)
  }

  /** Names and addresses of a service on an overlay, known once it listens there. */
  learn(names: readonly string[]): void {
    if (this.#isListed || !this.#isOverlay) return
    this.#patterns = [...new Set([...(this.#patterns ?? []), ...names.flatMap(namesOf)])]
    this.#known.clear()
  }

  /** Whether requests to an authority, as `example.com:8080`, are for this service. */
  accepts(authority: string): boolean {
    const known = this.#known.get(authority)
    if (known !== undefined) return known
    const place = placeOf(authority)
    const accepted = place !== undefined && (this.#patterns === undefined || this.#patterns.some((pattern) => fits(pattern, place)))
    if (this.#known.size >= maxKnown) this.#known.clear()
    this.#known.set(authority, accepted)
    return accepted
  }

  /**
   * Whether a page that was asked from an authority came from this service: not where any name is answered, because whoever made the page
   * may have pointed its name here.
   */
  isOwn(authority: string): boolean {
    if (!this.accepts(authority)) return false
    const place = placeOf(authority)
    if (place === undefined) return false
    const listed = this.#patterns?.filter((pattern) => pattern !== '*') ?? loopback
    return isAddress(place.name) || listed.some((pattern) => fits(pattern, place))
  }
}

function byDefault(host: string | undefined, isOverlay: boolean): readonly string[] | undefined {
  if (isOverlay) return []
  if (host === undefined || host === '0.0.0.0' || placeOf(bracketed(host))?.name === '[::]') return undefined
  const name = placeOf(bracketed(host))?.name ?? host
  const isLoopback = name.startsWith('127.') || loopback.some((pattern) => fits(pattern, { name, port: '' }))
  return isLoopback ? [...loopback, name] : [name]
}

/** Its own, and what it is called for short. I2P has more names for a destination than it knows of. */
function namesOf(name: string): readonly string[] {
  const full = bracketed(name.toLowerCase().replace(/\.$/, ''))
  if (full.endsWith('.i2p')) return [full, '*.i2p']
  return isAddress(full) ? [full] : [full, full.split('.')[0] ?? full]
}

interface Place {
  /** In one spelling: small letters, addresses in their usual form. */
  readonly name: string
  readonly port: string
}

/** Nothing for what is no authority. */
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
