/** What keeps connections apart in pools, besides where they lead. */
import { currentSlot, type Slot } from '@troupe/core'
import { currentIsolation } from '../dial.ts'
import { threadNetwork } from '../thread-network.ts'
import { networkInForce } from './in-force.ts'
import { lifeOf } from './routes.ts'

/**
 * A text that is the same for work which may share connections. In an overlay it tells the overlay's lives apart: a connection from before
 * a swap serves no new request. In the clear it tells actors apart, about whom policies are asked when a connection is opened.
 */
export function connectionKey(slot: Slot | undefined = currentSlot()): string {
  const network = networkInForce(slot)
  // A thread that has no network yet goes by frames.
  if (threadNetwork() === undefined && typeof network === 'string') return JSON.stringify([network, lifeOf(network), currentIsolation()])
  if (typeof network === 'string') return String(lifeOf(network) || '')
  return slot?.frame.actor?.id ?? ''
}
