/** Which overlay a request takes (`docs/overlays.md`, Selecting an overlay). */
import { denied, type EntryId, type Frame, invalid } from '@troupe/core'
import { type NetworkAccess, threadNetwork } from '@troupe/network'

interface Choice {
  /** `undefined`: the caller selected nothing. */
  readonly overlay: EntryId | null | undefined
  readonly unixSocket: string | undefined
}

/**
 * The overlay of a request; `null` for the clear network. An explicit choice is asked for, an inherited one is not: it was
 * authorised where it was made.
 *
 * @throws TroupeError `PermissionDenied` or `NotFound` for an explicit choice, `PermissionDenied` for a Unix socket in an inherited
 *   overlay, `Invalid` where no frame says anything.
 */
export async function selectOverlay(
  { overlay, unixSocket }: Choice,
  frame: Frame | undefined,
  access: NetworkAccess,
): Promise<EntryId | null> {
  if (overlay !== undefined) {
    await access.select(overlay)
    return overlay
  }
  const inherited = inheritedOverlay(frame, access)
  if (unixSocket !== undefined && inherited !== null) throw outside(unixSocket, inherited)
  return inherited
}

/** @throws TroupeError `Invalid` where no frame says anything. */
export function inheritedOverlay(frame: Frame | undefined, access: NetworkAccess): EntryId | null {
  const network = threadNetwork()
  if (network !== undefined) return network.overlay
  if (frame === undefined) {
    // Code whose async context was lost may have been inside an overlay: taking the default would be a guess that can leak.
    throw invalid(
      'no frame is in force here, so the overlay is not known: the async context was lost. Wrap the callback in AsyncResource.bind, or select with overlayNetwork',
    )
  }
  return frame.overlay === undefined ? (access.defaultOverlay ?? null) : frame.overlay
}

/** The network of the code that runs: the thread's, in a thread without one that of the frame; `undefined` where nobody can tell. */
export function ownNetwork(frame: Frame | undefined, access: NetworkAccess): EntryId | null | undefined {
  const thread = threadNetwork()
  if (thread !== undefined) return thread.overlay
  return frame === undefined ? undefined : inheritedOverlay(frame, access)
}

function outside(path: string, overlay: EntryId) {
  return denied(
    `the Unix socket ${path} is refused in overlay ${overlay}: it would go past the overlay. Choose the clear network for this request on purpose, with overlayNetwork: null`,
    { overlay, what: path },
  )
}
