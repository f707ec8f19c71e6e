/** How threads of sealed hosts dial: through the kernel. Their route contains only what that requires. */
import { invalid } from '@troupe/core'
import { type KernelDialer, networkAccess } from '../dial/network-access.ts'
import type { Driver } from '../overlay/overlay.ts'
import type { Route } from '../overlay/route.ts'
import { takeOver } from '../handoff/socket-handoff.ts'

const name = 'handed'

/**
 * Returns what a sealed thread gets in place of `route`: without addresses and credentials, because it cannot use them.
 */
export function handoffRoute({ overlay, generation }: Route): Route {
  return { overlay, generation, driver: name, config: undefined }
}

export const handoffDriver: Driver = {
  name,
  dial: async ({ overlay }, target, options) => takeOver(await dialerOfKernel().dial({ overlay, target }, options)),
  // The isolation of the overlay is unknown here, so every process is kept apart.
  poolKey: (_route, { process = '' }) => process,
  isolatesConnections: () => true,
}

/** @throws TroupeError `Invalid` in a thread that is not sealed. */
export function dialerOfKernel(): KernelDialer {
  const { dialer } = networkAccess()
  if (dialer !== undefined) return dialer
  throw invalid('this thread has no kernel that would open connections for it')
}
