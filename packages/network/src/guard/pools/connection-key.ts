/** What keeps connections apart in pools, besides where they lead. */
import { currentSlot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { isGoverned } from '../../sockets/socket-permission.ts'
import { lifeOf } from '../tcp/open-connection.ts'

/** Whether connections are kept apart at all: not in the clear, as long as nobody is asked about them. */
export function isKeyed(): boolean {
  return threadOverlay() !== null || isGoverned()
}

/**
 * A text that is the same for work which may share connections. In an overlay it tells the overlay's lives apart: a connection from before
 * a swap serves no new request. In the clear it tells actors apart, about whom policies are asked when a connection is opened.
 */
export function connectionKey(): string {
  const network = threadOverlay()
  if (typeof network === 'string') return String(lifeOf(network) || '')
  return currentSlot()?.frame.actor?.id ?? ''
}
