/**
 * Targets that stay in the clear network although their thread is in an overlay. Only a program that runs in an overlay
 * as a whole has them (`program/`); the caller of that program names them.
 */
import { canonicalHost, invalid, literalOf, realPath } from '@troupe/core'
import { channel } from 'node:diagnostics_channel'
import { BlockList, isIP } from 'node:net'

const longestPrefix = { 4: 32, 6: 128 } as const
/** RFC 6761 §6.3: these names mean this machine in every network. */
const local = /^(?:.+\.)?localhost\.?$/i
/** A name whose addresses may be remembered: a bound for programs that look up many. */
const mostAddresses = 4096

/** A list of hosts, networks, names and paths, parsed. */
export class AllowedTargets {
  readonly #addresses = new BlockList()
  readonly #names = new Set<string>()
  /** Suffixes of names, each with its dot. */
  readonly #suffixes: string[] = []
  readonly #paths: string[] = []
  /** Addresses of names in the list. */
  readonly #found = new Set<string>()

  /**
   * @param list - Each is an address, a network (`10.0.0.0/8`), a name, the names below one (`*.internal`), the path of
   *   a Unix socket, or a folder of them (`/run/db/`).
   * @throws TroupeError `Invalid`, naming the item that is none of these.
   */
  constructor(list: readonly string[]) {
    for (const item of list) this.#add(item)
  }

  /** Whether connections to that host stay in the clear. */
  hasHost(host: string): boolean {
    const literal = literalOf(host)
    if (literal !== undefined) return this.#hasAddress(literal)
    if (local.test(host) && (this.#hasAddress('127.0.0.1') || this.#hasAddress('::1'))) return true
    return this.hasName(host)
  }

  /** Whether a name is in the list, so that this machine may look it up. */
  hasName(host: string): boolean {
    if (this.#names.size === 0 && this.#suffixes.length === 0) return false
    const name = literalOf(host) === undefined ? canonicalHost(host) : undefined
    if (name === undefined) return false
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix))
  }

  /** Whether a Unix socket is in the list. Links are resolved first. */
  hasPath(path: string): boolean {
    if (this.#paths.length === 0 || path.startsWith('\0')) return false
    const real = realPath(path)
    return this.#paths.some((allowed) => (allowed.endsWith('/') ? real.startsWith(allowed) : real === allowed))
  }

  /** Records an address of a name in the list: code that looked the name up connects to it. */
  remember(address: string): void {
    if (this.#found.size >= mostAddresses) this.#found.clear()
    this.#found.add(address)
  }

  #hasAddress(address: string): boolean {
    const [plain = address] = address.split('%')
    return this.#found.has(address) || this.#addresses.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }

  #add(item: string): void {
    const [host = '', bits, ...more] = item.split('/')
    const family = isIP(host)
    if (item === '/') throw unusable(item)
    if (item.startsWith('/')) this.#paths.push(item.endsWith('/') ? `${realPath(item.slice(0, -1))}/` : realPath(item))
    else if (family !== 0 && more.length === 0) this.#addNetwork(item, host, bits, family === 6 ? 6 : 4)
    else if (host.startsWith('*.') && bits === undefined) this.#suffixes.push(`.${nameIn(item, host.slice(2))}`)
    else if (bits === undefined) this.#names.add(nameIn(item, host))
    else throw unusable(item)
  }

  #addNetwork(item: string, address: string, bits: string | undefined, family: 4 | 6): void {
    const length = bits === undefined ? longestPrefix[family] : Number(bits)
    if (bits === '' || !Number.isInteger(length) || length < 0 || length > longestPrefix[family]) throw unusable(item)
    this.#addresses.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function nameIn(item: string, text: string): string {
  const name = canonicalHost(text)
  if (name === undefined || literalOf(name) !== undefined) throw unusable(item)
  return name
}

function unusable(item: string): Error {
  return invalid(
    `"${item}" names no target: expected an address, a network such as 10.0.0.0/8, a name, "*.name", or ` +
      'an absolute path',
    { item },
  )
}

/**
 * An event of the channel `troupe:overlay:allowed`: a connection of `troupe exec` stays in the clear, because `--allow`
 * names its target.
 */
export interface AllowedEvent {
  /** The target of the connection: a host and port, or a path. */
  readonly target: string
}

const connections = channel('troupe:overlay:allowed')

/** Publishes a connection that stays in the clear: `{ target }`. */
export function publishAllowed(target: string): void {
  if (connections.hasSubscribers) connections.publish({ target } satisfies AllowedEvent)
}

let allowed: AllowedTargets | undefined

/** Sets the targets of this thread that stay in the clear. Call it before any user code. */
export function allowTargets(targets: AllowedTargets): void {
  allowed = targets
}

/** Returns the targets of this thread that stay in the clear; `undefined` where none do. */
export function allowedTargets(): AllowedTargets | undefined {
  return allowed
}
