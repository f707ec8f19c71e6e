/** What a thread needs to dial through one entry's proxies: the `config` of its route. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'
import type { Login } from './messages.ts'

/** Name of the driver in routes, and last part of its kind. */
export const socks5 = 'socks5'

/** Prefix of a host that is a Unix socket. */
export const unixPrefix = 'unix:'

export interface Proxy {
  /** A host name, an address, or `unix:` and a path. */
  readonly host: string
  /** Absent for a Unix socket. */
  readonly port?: number
  /** RFC 1929; absent where the proxy requires no login. */
  readonly login?: Login
}

/**
 * The unit of isolation: Tor keeps connections with different credentials on different circuits (`IsolateSOCKSAuth`).
 */
export interface IsolationRule {
  readonly by: 'connection' | 'actor' | 'process' | 'destination'
  /** `torS0X`: Tor's extended form, in which only the password isolates. */
  readonly form: 'login' | 'torS0X'
  /**
   * A secret of this generation of the overlay: the same in all threads, so that they derive the same credentials for
   * an actor.
   */
  readonly seed: string
}

/**
 * How a proxy is chosen: the first that works, each in turn, or always the same for the same actor, process or
 * destination.
 */
export type Policy = 'first' | 'round_robin' | 'sticky'

/** How many connections to a proxy to keep ready; `adaptive`: as many as there were dials in the last minute. */
export type SpareRule = number | 'adaptive'

/** Milliseconds. */
export interface Timeouts {
  /** Until the proxy is connected. */
  readonly connect: number
  /** From then until the proxy's first byte. */
  readonly firstByte: number
  /** From the connection until the proxy has replied to the request. */
  readonly handshake: number
}

export const defaultTimeouts: Timeouts = Object.freeze({ connect: 10_000, firstByte: 10_000, handshake: 30_000 })

export interface Socks5Route {
  /** At least one. */
  readonly proxies: readonly Proxy[]
  /** @default 'first' */
  readonly policy?: Policy
  readonly isolate?: IsolationRule
  /** Whether greeting, login and request are sent in one write. @default false */
  readonly optimistic?: boolean
  /** @default 0 */
  readonly spares?: SpareRule
  /** @default {@link defaultTimeouts} */
  readonly timeouts?: Timeouts
  /** The overlay through which the proxies are reached. */
  readonly via?: Route
}

/** Returns where a proxy listens, in the form of Node's connect options. */
export function addressOf({ host, port = 0 }: Proxy) {
  return host.startsWith(unixPrefix) ? { path: host.slice(unixPrefix.length), port } : { host, port }
}

/** Returns the proxies behind a route. The kernel made the route, so a wrong config is a fault of Troupe. */
export function proxiesOf(route: Route): Socks5Route {
  if (isSocks5Route(route.config)) return route.config
  throw new TroupeError('Internal', `the route of overlay ${route.overlay} is not one of the driver "${socks5}"`, {
    details: { overlay: route.overlay },
  })
}

function isSocks5Route(config: unknown): config is Socks5Route {
  return (
    typeof config === 'object' &&
    config !== null &&
    'proxies' in config &&
    Array.isArray(config.proxies) &&
    config.proxies.length > 0
  )
}
