/** What a thread needs to use one entry's SAM bridge: the `config` of its routes and listen grants. */
import { TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'

/** Name of the driver in routes, and last part of its kind. */
export const i2p = 'i2p'

/** What a place is shown with that has no port: in I2P, ports mean nothing. */
export const anyPort = 80

/** Where the router's SAM bridge listens. */
export interface Bridge {
  readonly host: string
  readonly port: number
  /** SAM 3.2; absent where the bridge asks for none. */
  readonly login?: { readonly username: string; readonly password: string }
}

/** Milliseconds. */
export interface Timeouts {
  /** Until the bridge is connected and has greeted. */
  readonly connect: number
  /** From then on, until a session stands. */
  readonly session: number
  /** From the greeting on, until the router has answered the dial. */
  readonly dial: number
  /** Until a new connection brings a byte; 0 waits for ever. */
  readonly firstByte: number
  /** How long a dial tries again while there is no session, or no lease set yet. */
  readonly wait: number
}

export const defaultTimeouts: Timeouts = Object.freeze({
  connect: 10_000,
  session: 180_000,
  dial: 60_000,
  firstByte: 60_000,
  wait: 20_000,
})

/** How a thread makes a session of its own for datagrams. */
export interface DatagramPlan {
  /** Where the bridge takes datagrams; by default one below its other port, as i2pd has it. */
  readonly port: number
  readonly signatureType: number
  /** I2CP options. */
  readonly options: Readonly<Record<string, string>>
}

export interface I2pRoute {
  readonly bridge: Bridge
  /** Id of the session that streams belong to: whoever knows it uses the session. */
  readonly session: string
  /** @default {@link defaultTimeouts} */
  readonly timeouts?: Timeouts
  /** Absent on listen grants. */
  readonly datagrams?: DatagramPlan
}

/** The config of a route, which the kernel made: what is wrong with it is our own mistake. */
export function configOf(route: Route): I2pRoute {
  if (isI2pRoute(route.config)) return route.config
  throw new TroupeError('Internal', `the route of overlay ${route.overlay} is not one of the driver "${i2p}"`, {
    details: { overlay: route.overlay },
  })
}

function isI2pRoute(config: unknown): config is I2pRoute {
  return typeof config === 'object' && config !== null && 'bridge' in config && 'session' in config
}
