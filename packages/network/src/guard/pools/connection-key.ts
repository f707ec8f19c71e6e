/** What keeps connections apart in pools, besides where they lead. */
import { currentSlot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { hasPolicies } from '../../sockets/socket-permission.ts'
import { generationOf } from '../tcp/open-connection.ts'

/** Whether connections are kept apart at all: not in the clear, as long as nobody is asked about them. */
export function isKeyed(): boolean {
  return threadOverlay() !== null || hasPolicies()
}

/**
 * A text that is the same for work which may share connections. In an overlay it tells the overlay's lives apart: a connection from before
 * a swap serves no new request. In the clear it tells actors apart, about whom policies are asked when a connection is opened.
 */
export function connectionKey(): string {
  const network = threadOverlay()
  if (typeof network === 'string') return String(generationOf(network) || '')
  return currentSlot()?.frame.actor?.id ?? ''
}
