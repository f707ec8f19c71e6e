/** What threads need to use a tailnet node: the `config` of its route, and of the listen grants of its listeners. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'

/** Name of the driver in routes, and last part of its kind. */
export const tailscale = 'tailscale'

export interface TailscaleRoute {
  /** Path of the sidecar's data socket. */
  readonly socket: string
  /** What the sidecar knows the node by. Nobody can guess it: whoever may reach one node of the sidecar reaches no other. */
  readonly node: string
}

export interface TailscaleListenGrant {
  /** Path at which the sidecar hands over connections. */
  readonly forward: string
  /** Of a `BroadcastChannel`, on which the kernel tells that the place is gone. */
  readonly channel: string
}

/** The node behind a route, which the kernel made: what is wrong with it is our own mistake. */
export function nodeOf(route: Route): TailscaleRoute {
  const { config } = route
  if (isRecord(config) && typeof config['socket'] === 'string' && typeof config['node'] === 'string') {
    return { socket: config['socket'], node: config['node'] }
  }
  throw foreign(route, 'route')
}

/** Where connections arrive, by a listen grant. */
export function listenGrantOf(listenGrant: Route): TailscaleListenGrant {
  const { config } = listenGrant
  if (isRecord(config) && typeof config['forward'] === 'string' && typeof config['channel'] === 'string') {
    return { forward: config['forward'], channel: config['channel'] }
  }
  throw foreign(listenGrant, 'ticket')
}

function foreign({ overlay }: Route, what: string): TroupeError {
  return new TroupeError('Internal', `the ${what} of overlay ${overlay} is not one of the driver "${tailscale}"`, { details: { overlay } })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
