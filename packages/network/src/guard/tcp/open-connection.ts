/** Opens connections for the guard, and counts the generations of overlays. */
import type { EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
import { applicationAccess, type ConnectRequest, networkAccess } from '../../dial/network-access.ts'
import { dial } from '../../dial/dial.ts'
import type { Target } from '../../overlay/overlay.ts'
import { dialerOfKernel } from '../../sealed/kernel-driver.ts'
import { takeOver } from '../../handoff/socket-handoff.ts'

/**
 * As long as operating systems wait for a connection; for a shorter wait the caller sets a timeout, or destroys the
 * socket.
 */
const timeout = 130_000

const generations = new Map<EntryId, number>()

/** Reports that an overlay was rebuilt or removed: earlier connections serve no new requests. */
export function overlayChanged(overlay: EntryId): void {
  generations.set(overlay, (generations.get(overlay) ?? 0) + 1)
}

/** Returns a number that increases each time the overlay is rebuilt, as far as this thread was notified. */
export function generationOf(overlay: EntryId): number {
  applicationAccess()?.refresh?.()
  return generations.get(overlay) ?? 0
}

/** Opens a plain connection in the clear network through the kernel: for threads that may not open it themselves. */
export async function openDirect(connectRequest: Omit<ConnectRequest, 'overlay'>, signal: AbortSignal): Promise<Socket> {
  return takeOver(await dialerOfKernel().dial({ ...connectRequest, overlay: null }, { signal, timeout }))
}

/** Opens a plain connection through `overlay`, by its present route. */
export async function open(overlay: EntryId, target: Target, signal: AbortSignal): Promise<Socket> {
  const route = await networkAccess().route(overlay)
  return dial(route, target, { signal, timeout })
}
