/** What a thread needs to use one entry's SAM bridge: the `config` of its routes and listen grants. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'

/** Name of the driver in routes, and last part of its kind. */
export const i2p = 'i2p'

/** The port of an address that has none: ports have no meaning in I2P. */
export const anyPort = 80

/** Where the router's SAM bridge listens. */
export interface Bridge {
  readonly host: string
  readonly port: number
  /** SAM 3.2; absent where the bridge requires none. */
  readonly login?: { readonly username: string; readonly password: string }
}

/** Milliseconds. */
export interface Timeouts {
  /** Until the bridge is connected and has sent its greeting. */
  readonly connect: number
  /** From the greeting until a session is created. */
  readonly session: number
  /** From the greeting until the router has replied to the dial. */
  readonly dial: number
  /** Until a new connection brings a byte; 0: no limit. */
  readonly firstByte: number
  /** How long a dial retries while there is no session, or no lease set yet. */
  readonly wait: number
}

export const defaultTimeouts: Timeouts = Object.freeze({
  connect: 10_000,
  session: 180_000,
  dial: 60_000,
  firstByte: 60_000,
  wait: 20_000,
})

/** How a thread makes its own session for datagrams. */
export interface DatagramPlan {
  /** The port at which the bridge accepts datagrams; by default its TCP port minus one, as in i2pd. */
  readonly port: number
  readonly signatureType: number
  /** I2CP options. */
  readonly options: Readonly<Record<string, string>>
}

export interface I2pRoute {
  readonly bridge: Bridge
  /** Id of the session that streams belong to. It is a secret: it suffices to use the session. */
  readonly session: string
  /** @default {@link defaultTimeouts} */
  readonly timeouts?: Timeouts
  /** Absent on listen grants. */
  readonly datagrams?: DatagramPlan
}

/** Returns the config of a route. The kernel made it, so a wrong config is a fault of Troupe. */
export function configOf(route: Route): I2pRoute {
  if (isI2pRoute(route.config)) return route.config
  throw new TroupeError('Internal', `the route of overlay ${route.overlay} is not one of the driver "${i2p}"`, {
    details: { overlay: route.overlay },
  })
}

function isI2pRoute(config: unknown): config is I2pRoute {
  return typeof config === 'object' && config !== null && 'bridge' in config && 'session' in config
}
