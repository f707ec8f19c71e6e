/** The key that separates connections in pools, in addition to their target. */
import { currentSlot, type EntryId } from '@troupe/core'
import { applicationAccess } from '../../dial/network-access.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { hasPolicies } from '../../sockets/socket-permission.ts'

const generations = new Map<EntryId, number>()

/** Reports that an overlay was rebuilt or removed: earlier connections serve no new requests. */
export function overlayChanged(overlay: EntryId): void {
  generations.set(overlay, (generations.get(overlay) ?? 0) + 1)
}

/** Returns a number that increases each time the overlay is rebuilt, as far as this thread was notified. */
function generationOf(overlay: EntryId): number {
  applicationAccess()?.refresh?.()
  return generations.get(overlay) ?? 0
}

/** Whether connections are separated at all: not in the clear network, until policies apply. */
export function isKeyed(): boolean {
  return threadOverlay() !== null || hasPolicies()
}

/**
 * Returns a string that is equal for work that may share connections. In an overlay it differs between generations: a
 * connection from before a swap serves no new request. In the clear network it differs between actors, because policies
 * check the actor when a connection is opened.
 */
export function connectionKey(): string {
  const network = threadOverlay()
  if (typeof network === 'string') return String(generationOf(network) || '')
  return currentSlot()?.frame.actor?.id ?? ''
}
