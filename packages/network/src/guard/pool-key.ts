/** What keeps connections apart in pools, besides where they lead. */
import { currentSlot } from '@troupe/core'
import { currentIsolation, poolKey } from '../dial.ts'
import { networkInForce } from './in-force.ts'
import { lifeOf, lastRoute } from './routes.ts'

/**
 * A text that is the same for work which may share connections: the overlay and its life, the actor, and what the overlay itself keeps
 * apart. Empty in the clear without an actor, so that names are those of plain Node.
 */
export function networkKey(): string {
  const slot = currentSlot()
  if (slot === undefined) return 'lost'
  const { actor } = slot.frame
  const overlay = networkInForce(slot)
  if (overlay === undefined || overlay === null) return actor === undefined ? '' : JSON.stringify([actor.id])
  const isolation = currentIsolation()
  const route = lastRoute(overlay)
  // Before it is known what the overlay keeps apart, everything is.
  const apart = route === undefined ? (isolation.process ?? '') : poolKey(route, isolation)
  return JSON.stringify([overlay, lifeOf(overlay), actor?.id, apart])
}
