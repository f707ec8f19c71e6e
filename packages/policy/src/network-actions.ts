/** Permission to choose an overlay, and to listen on one. Inherited overlays need no permission. */
import type { EntryId, Frame } from '@troupe/core'
import type { Security } from './security.ts'

/** The clear network, as a resource. */
export const directNetwork = 'network:direct'

/**
 * Checks that the code in `frame` may choose an overlay at a call, a spawn or a request: the action `network.select`.
 * `null` is the clear network.
 *
 * @throws TroupeError `PermissionDenied`
 */
export function checkSelection(security: Security, frame: Frame, overlay: EntryId | null): void {
  security.check(frame, 'network.select', overlay ?? directNetwork)
}

/** Checks that a service may listen on `overlay`: the action `network.bind`. @throws TroupeError `PermissionDenied` */
export function checkBinding(security: Security, frame: Frame, overlay: EntryId): void {
  security.check(frame, 'network.bind', overlay)
}
