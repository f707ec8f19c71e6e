/** The network of the code that runs: the thread's. */
import { currentSlot, type EntryId, type Slot } from '@troupe/core'
import { applicationAccess } from '../access.ts'
import { isInTheClear } from '../drivers/in-the-clear.ts'
import { threadNetwork } from '../thread-network.ts'

/** An overlay's id; `null` is the clear network; `undefined` says that the context was lost, so that nobody can tell. */
export type NetworkInForce = EntryId | null | undefined

let outside: null | undefined

/** What holds where no frame is in force: nothing is known, or, for the program around an application, the clear network. */
export function setOutside(network: null | undefined): void {
  outside = network
}

/** The thread's network. In a thread that has none: the frame's overlay, else the application's default, else the clear network. */
export function networkInForce(slot: Slot | undefined = currentSlot()): NetworkInForce {
  const thread = threadNetwork()
  if (thread !== undefined) return thread.overlay !== null && isInTheClear() ? null : thread.overlay
  if (isInTheClear()) return null
  if (slot === undefined) return outside
  const { overlay } = slot.frame
  return overlay === undefined ? (applicationAccess()?.defaultOverlay ?? null) : overlay
}
