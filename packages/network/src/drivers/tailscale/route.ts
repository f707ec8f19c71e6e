/** What threads need to use a tailnet node: the `config` of its route, and of the listen grants of its listeners. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'

/** Name of the driver in routes, and last part of its kind. */
export const tailscale = 'tailscale'

export interface TailscaleRoute {
  /** Path of the sidecar's data socket. */
  readonly socket: string
  /**
   * The sidecar's id of the node. It cannot be guessed, so that access to one node of the sidecar gives no access to
   * another.
   */
  readonly node: string
}

export interface TailscaleListenGrant {
  /** Path of the socket at which the sidecar hands over connections. */
  readonly forward: string
  /** Name of a `BroadcastChannel` on which the kernel reports that the place is gone. */
  readonly channel: string
}

/** Returns the node behind a route. The kernel made the route, so a wrong config is a fault of Troupe. */
export function nodeOf(route: Route): TailscaleRoute {
  const { config } = route
  if (isRecord(config) && typeof config['socket'] === 'string' && typeof config['node'] === 'string') {
    return { socket: config['socket'], node: config['node'] }
  }
  throw foreign(route, 'route')
}

/** Returns where the connections of a listen grant arrive. */
export function listenGrantOf(listenGrant: Route): TailscaleListenGrant {
  const { config } = listenGrant
  if (isRecord(config) && typeof config['forward'] === 'string' && typeof config['channel'] === 'string') {
    return { forward: config['forward'], channel: config['channel'] }
  }
  throw foreign(listenGrant, 'ticket')
}

function foreign({ overlay }: Route, what: string): TroupeError {
  return new TroupeError('Internal', `the ${what} of overlay ${overlay} is not one of the driver "${tailscale}"`, {
    details: { overlay },
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
