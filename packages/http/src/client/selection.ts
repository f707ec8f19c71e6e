/** Which overlay a request takes (`docs/overlays.md`, Selecting an overlay). */
import { type EntryId, type Frame, invalid } from '@troupe/core'
import type { NetworkAccess } from '@troupe/network'

/**
 * The overlay of a request; `null` for the clear network. An explicit choice is asked for, an inherited one is not: it was
 * authorised where it was made.
 *
 * @throws TroupeError `PermissionDenied` or `NotFound` for an explicit choice, `Invalid` where no frame says anything.
 */
export async function selectOverlay(
  explicit: EntryId | null | undefined,
  frame: Frame | undefined,
  access: NetworkAccess,
): Promise<EntryId | null> {
  if (explicit !== undefined) {
    await access.select(explicit)
    return explicit
  }
  if (frame === undefined) {
    // Code whose async context was lost may have been inside an overlay: taking the default would be a guess that can leak.
    throw invalid(
      'no frame is in force here, so the overlay is not known: the async context was lost. Wrap the callback in AsyncResource.bind, or select with overlayNetwork',
    )
  }
  return frame.overlay === undefined ? (access.defaultOverlay ?? null) : frame.overlay
}
