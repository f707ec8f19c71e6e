/** Which overlay a request takes (`docs/overlays.md`, Selecting an overlay). */
import { denied, type EntryId } from '@troupe/core'
import { type NetworkAccess, threadOverlay, unbound } from '@troupe/network'

interface Choice {
  /** `undefined`: the caller selected nothing. */
  readonly overlay: EntryId | null | undefined
  readonly unixSocket: string | undefined
}

/**
 * The overlay of a request; `null` for the clear network. An explicit choice is asked for; what is the thread's is not: it was authorised
 * where it was made.
 *
 * @throws TroupeError `PermissionDenied` or `NotFound` for an explicit choice, `PermissionDenied` for a Unix socket in the thread's
 *   overlay, and in a thread that has no network yet.
 */
export async function selectOverlay({ overlay, unixSocket }: Choice, access: NetworkAccess): Promise<EntryId | null> {
  if (overlay !== undefined) {
    await access.select(overlay)
    return overlay
  }
  const inherited = inheritedOverlay()
  if (unixSocket !== undefined && inherited !== null) throw outside(unixSocket, inherited)
  return inherited
}

/** The thread's. @throws TroupeError `PermissionDenied` in a thread that has no network yet */
export function inheritedOverlay(): EntryId | null {
  const overlay = threadOverlay()
  if (overlay === undefined) throw unbound('an HTTP request')
  return overlay
}

function outside(path: string, overlay: EntryId) {
  return denied(
    `the Unix socket ${path} is refused in overlay ${overlay}: it would go past the overlay. Choose the clear network for this request on purpose, with overlayNetwork: null`,
    { overlay, what: path },
  )
}
