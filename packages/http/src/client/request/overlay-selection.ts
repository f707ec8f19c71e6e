/** Selects the overlay of a request (`docs/overlays.md`, Selecting an overlay). */
import { denied, type EntryId } from '@troupe/core'
import { type NetworkAccess, threadOverlay, unbound } from '@troupe/network'

interface Choice {
  /** `undefined`: the caller selected nothing. */
  readonly overlay: EntryId | null | undefined
  readonly unixSocket: string | undefined
}

/**
 * Returns the overlay of a request; `null` for the clear network. An explicit choice needs permission. The thread's own
 * overlay does not: it was authorised where it was selected.
 *
 * @throws TroupeError `PermissionDenied` or `NotFound` for an explicit choice, `PermissionDenied` for a Unix socket in
 *   the thread's overlay, and in a thread that has no network yet.
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

/** Returns the thread's overlay. @throws TroupeError `PermissionDenied` in a thread that has no network yet */
export function inheritedOverlay(): EntryId | null {
  const overlay = threadOverlay()
  if (overlay === undefined) throw unbound('an HTTP request')
  return overlay
}

function outside(path: string, overlay: EntryId) {
  return denied(
    `the Unix socket ${path} is refused in overlay ${overlay}: it would go past the ` +
      'overlay. Choose the clear network for this request on purpose, with overlayNetwork: null',
    { overlay, what: path },
  )
}
