/** What a thread needs to dial one SOCKS5 proxy: the `config` of its route. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../route.ts'

/** Name of the driver in routes, and last part of its kind. */
export const socks5 = 'socks5'

export interface Socks5Route {
  readonly host: string
  readonly port: number
  /** RFC 1929; absent where the proxy asks for no login. */
  readonly login?: { readonly username: string; readonly password: string }
  /** Fresh random credentials for every connection, in place of `login`. */
  readonly isolateStreams: boolean
}

/** The proxy behind a route, which the kernel made: what is wrong with it is our own mistake. */
export function proxyOf(route: Route): Socks5Route {
  if (isSocks5Route(route.config)) return route.config
  throw new TroupeError('Internal', `the route of overlay ${route.overlay} is not one of the driver "${socks5}"`, {
    details: { overlay: route.overlay },
  })
}

function isSocks5Route(config: unknown): config is Socks5Route {
  return typeof config === 'object' && config !== null && 'host' in config && 'port' in config && 'isolateStreams' in config
}
