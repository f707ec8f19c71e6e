/** Opens connections by routes, in whatever thread this is. */
import { TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import { socks5Driver } from './drivers/socks5/connect.ts'
import type { DialOptions, Driver, Target } from './overlay.ts'
import type { Route } from './route.ts'

const drivers: ReadonlyMap<string, Driver> = new Map([socks5Driver].map((driver) => [driver.name, driver]))

/**
 * A socket connected to `target` through the overlay that `route` belongs to. It is plain TCP, not yet read from, and without
 * listeners: attach one for `error` before anything is awaited. `tls.connect({ socket })` works on it.
 *
 * @example
 * ```ts
 * const socket = await dial(await networkAccess().route(overlay), { host: 'example.org', port: 443 }, { timeout: 10_000 })
 * ```
 *
 * @throws TroupeError `Unavailable` when the overlay or the target cannot be reached, `Timeout`, `Canceled`, or `Invalid` for a
 *   target that cannot exist or an operation that the overlay does not support.
 */
export async function dial(route: Route, target: Target, options: DialOptions = {}): Promise<Socket> {
  const driver = drivers.get(route.driver)
  if (driver) return driver.dial(route, target, options)
  throw new TroupeError('Internal', `overlay ${route.overlay} wants the driver "${route.driver}", which this thread does not have`, {
    details: { overlay: route.overlay, driver: route.driver },
  })
}
