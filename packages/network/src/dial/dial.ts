/** Dials through overlays by their routes, in any thread. */
import { isTracing, type Span, startSpan, TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import type { Association } from '../overlay/association.ts'
import { i2pDriver, tailscaleDriver } from '../drivers/lazy-drivers.ts'
import { socks5Driver } from '../drivers/socks5/connect.ts'
import { fakeNumberOf } from '../guard/dns/fake-addresses.ts'
import { publishedUse } from './published-use.ts'
import { realHost, realTarget } from '../guard/dns/real-host.ts'
import { markIsolated } from './connection-handover.ts'
import { recordDial } from './overlay-health.ts'
import type {
  AssociateOptions,
  DialOptions,
  Driver,
  Isolation,
  Listener,
  ResolvedAddress,
  ResolveOptions,
  Target,
  ListenGrant,
} from '../overlay/overlay.ts'
import type { Route } from '../overlay/route.ts'
import { handoffDriver } from '../sealed/kernel-driver.ts'
import { threadNetwork, threadOverlay } from '../overlay/thread-network.ts'
import { reportTrouble } from '../overlay/trouble.ts'

const drivers = new Map<string, Driver>(
  [socks5Driver, i2pDriver, tailscaleDriver, handoffDriver].map((driver) => [driver.name, driver]),
)

/**
 * Adds the thread's side of a driver outside this package. Only threads that import the calling module have the driver.
 */
export function addDriver(driver: Driver): void {
  drivers.set(driver.name, driver)
}

/**
 * Returns a socket connected to `target` through the overlay that `route` belongs to. It is plain TCP, not yet read
 * from, and without listeners: attach an `error` listener before you await anything. `tls.connect({ socket })` works on
 * it.
 *
 * @example
 * ```ts
 * const route = await networkAccess().route(overlay)
 * const socket = await dial(route, { host: 'example.org', port: 443 }, { timeout: 10_000 })
 * ```
 *
 * @throws TroupeError `Unavailable` when the overlay or the target cannot be reached, `Timeout`, `Canceled`, or
 *   `Invalid` for a target that cannot exist or an operation that the overlay does not support.
 */
export async function dial(route: Route, target: Target, options: DialOptions = {}): Promise<Socket> {
  return dialReal(route, realTarget(target), options)
}

/** Dials a target as it is given, without fake addresses: drivers dial each other's proxies this way. */
async function dialReal(route: Route, target: Target, options: DialOptions): Promise<Socket> {
  const driver = driverOf(route)
  const record = recordDial(route, target, driver)
  const span = isTracing() ? dialSpan(route, target) : undefined
  try {
    const own = isolated(options)
    const socket = await driver.dial(route, target, own, dialReal)
    record.opened(socket, span?.trace)
    span?.end()
    if (driver.isolatesConnections?.(route, own.isolation) === true) markIsolated(socket)
    return socket
  } catch (error) {
    record.failed(error)
    span?.end(error)
    reportTrouble(route.overlay, error)
    throw error
  }
}

function dialSpan({ overlay }: Route, { host, port }: Target): Span | undefined {
  // The exporter of a thread uses the network of the thread: the target of another overlay stays in that.
  const target = overlay === threadOverlay() && { 'server.address': host, 'server.port': port }
  const attributes = { ...target, 'network.transport': 'tcp', 'troupe.overlay': overlay }
  return startSpan({ name: 'dial', kind: 'client', attributes })
}

/**
 * Returns the addresses of `name`, resolved by the overlay. A literal address is returned unchanged. Nothing is
 * resolved on this machine.
 *
 * @throws TroupeError like {@link dial}; `Unavailable` too for a name that has no address, `Invalid`, "not supported",
 *   where the overlay resolves no names (of SOCKS5 proxies, only Tor does).
 */
export async function resolve(
  route: Route,
  name: string,
  options: ResolveOptions = {},
): Promise<readonly ResolvedAddress[]> {
  const driver = driverOf(route)
  return publishedUse(route.overlay, `the name ${name}`, async () => {
    if (driver.resolve) return driver.resolve(route, realHost(name), isolated(options), dialReal)
    throw unsupported(route, 'resolving names')
  })
}

/**
 * Returns the names of the IP address `address`, resolved by the overlay.
 *
 * @throws TroupeError like {@link resolve}.
 */
export async function reverse(route: Route, address: string, options: DialOptions = {}): Promise<readonly string[]> {
  if (fakeNumberOf(address) !== undefined) return [realHost(address)]
  const driver = driverOf(route)
  return publishedUse(route.overlay, `the names of ${address}`, async () => {
    if (driver.reverse) return driver.reverse(route, address, isolated(options), dialReal)
    throw unsupported(route, 'resolving addresses')
  })
}

/**
 * Opens an association for datagrams through the overlay.
 *
 * @throws TroupeError like {@link dial}; `Invalid`, "not supported", where the overlay, or the proxy, carries no
 *   datagrams.
 */
export async function associate(route: Route, options: AssociateOptions = {}): Promise<Association> {
  const driver = driverOf(route)
  const association = await publishedUse(route.overlay, 'datagrams', async () => {
    if (driver.associate) return driver.associate(route, isolated(options), dialReal)
    throw unsupported(route, 'sending datagrams')
  })
  const send = association.send.bind(association)
  return Object.assign(association, {
    send: async (data: Uint8Array, target: Target) => send(data, realTarget(target)),
  })
}

/**
 * Accepts connections from the overlay, at the place of `listenGrant`.
 *
 * @throws TroupeError `Unavailable` when the place is gone or its overlay cannot be reached; `Invalid`, "not
 *   supported".
 */
export async function accept(listenGrant: ListenGrant): Promise<Listener> {
  const driver = driverOf(listenGrant)
  if (driver.accept) return driver.accept(listenGrant)
  throw unsupported(listenGrant, 'listening')
}

/**
 * Returns a key that connections must share, beside overlay, generation and actor, to be kept in one pool. A pool keeps
 * connections with different keys apart.
 */
export function poolKey(route: Route, isolation: Isolation): string {
  return driverOf(route).poolKey?.(route, isolation) ?? ''
}

const noIsolation: Isolation = Object.freeze({})

/** Returns the actor or process on whose behalf the code of this thread acts. */
export function currentIsolation(): Isolation {
  return threadNetwork()?.isolation ?? noIsolation
}

function driverOf(route: Route): Driver {
  const driver = drivers.get(route.driver)
  if (driver) return driver
  throw new TroupeError(
    'Internal',
    `overlay ${route.overlay} requires the driver "${route.driver}", which this thread does not have`,
    {
      details: { overlay: route.overlay, driver: route.driver },
    },
  )
}

function unsupported({ overlay, driver }: Route, what: string): TroupeError {
  return new TroupeError(
    'Invalid',
    `${what} through overlay ${overlay} is not supported: ${driver} does not offer it`,
    {
      details: { overlay },
    },
  )
}

/** Sets the isolation: the caller's, or else that of the running code. */
function isolated<O extends DialOptions>(options: O): O & { readonly isolation: Isolation } {
  return { ...options, isolation: options.isolation ?? currentIsolation() }
}
