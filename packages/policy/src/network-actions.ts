/** Who may choose an overlay, and who may listen on one. Inherited overlays are never asked about. */
import type { EntryId, Frame } from '@troupe/core'
import type { Security } from './security.ts'

/** The clear network, as a resource. */
export const directNetwork = 'network:direct'

/**
 * Lets the code in `frame` choose an overlay at a call, a spawn or a request; `null` is the clear network: the action `network.select`.
 *
 * @throws TroupeError `PermissionDenied`
 */
export function checkSelection(security: Security, frame: Frame, overlay: EntryId | null): void {
  security.check(frame, 'network.select', overlay ?? directNetwork)
}

/** Lets a service listen on `overlay`: the action `network.bind`. @throws TroupeError `PermissionDenied` */
export function checkBinding(security: Security, frame: Frame, overlay: EntryId): void {
  security.check(frame, 'network.bind', overlay)
}
