/** The key that separates connections in pools, in addition to their target. */
import { currentSlot } from '@troupe/core'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { hasPolicies } from '../../sockets/socket-permission.ts'
import { generationOf } from '../tcp/open-connection.ts'

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
