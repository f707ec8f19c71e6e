/** What the kernel grants to a thread: the route of an overlay, or the clear network. */
import { denied, type EntryId, unavailable, withDeadline } from '@troupe/core'
import type { Route } from '@troupe/network'
import { directNetwork } from '@troupe/policy/kernel'
import type { KernelParts } from '../kernel-parts.ts'
import type { Requester } from '../request-handler.ts'

/** Milliseconds that a dial waits for an overlay that is being replaced. */
const handOverTime = 15_000

/** Waits, for a limited time, for an overlay that is being replaced. */
export async function settledInTime(settled: Promise<void>, overlay: EntryId): Promise<void> {
  await withDeadline(settled, handOverTime, () =>
    unavailable(`overlay ${overlay} is being replaced, and was not available again within ${handOverTime} ms`, {
      overlay,
    }),
  )
}

/** A permission check for a plain socket. */
export interface SocketOperation {
  readonly action: string
  /** An address or a name. */
  readonly resource: string
  readonly port: number | undefined
}

/**
 * Checks that a sealed thread may use the clear network: only if it is the thread's own network, or was granted for a
 * request.
 *
 * @throws TroupeError `PermissionDenied`
 */
export function permitClear(
  { grants, authorizer }: Pick<KernelParts, 'authorizer' | 'grants'>,
  { record, thread }: Requester,
  { action, resource, port }: SocketOperation,
): void {
  const { frame } = record
  const isClear = thread.network?.overlay === null && (frame.overlay === undefined || grants.grantOf(frame).isValid)
  if (!isClear && !grants.holds(thread.number, null)) {
    throw denied(`the clear network was not granted to ${record.pid}: it is not in force there, and was not chosen`, {
      action: 'network.select',
      resource: directNetwork,
    })
  }
  if (authorizer.governs(record))
    authorizer.checkOwnAction(record, action, resource, port === undefined ? {} : { port })
}

/**
 * Returns the route of an overlay. Only threads of the overlay's network get it, and threads that were granted it for
 * single connections.
 */
export async function grantedRoute(
  { overlays, threads, grants, networks }: Pick<KernelParts, 'grants' | 'networks' | 'overlays' | 'threads'>,
  overlay: EntryId,
  { record, thread }: Requester,
): Promise<Route> {
  const { network } = thread
  const isOwn = network?.overlay === overlay
  const refusal = denied(
    `overlay ${overlay} was not granted to ${record.pid}: it is not in force there, and was not chosen`,
    { action: 'network.select', resource: overlay },
  )
  // Whether it exists is not said to code that may not use it.
  if (!isOwn && !grants.holds(thread.number, overlay)) throw refusal
  overlays.get(overlay)
  await settledInTime(overlays.settled(overlay), overlay)
  if (isOwn) networks.check(network)
  const stands = record.frame.overlay === overlay && grants.grantOf(record.frame).isValid
  if ((isOwn && (stands || threads.defaultOverlay === overlay)) || grants.holds(thread.number, overlay))
    return overlays.route(overlay)
  throw refusal
}
