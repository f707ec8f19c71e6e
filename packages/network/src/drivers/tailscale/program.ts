/** Where the sidecar's program is. */
import { TroupeError } from '@troupe/core'

/** @throws TroupeError `Unavailable`, with what to do, where there is none. */
export async function sidecarProgram(): Promise<string> {
  const path = process.env['TROUPE_TSNET']
  if (path !== undefined && path !== '') return path
  throw new TroupeError('Unavailable', 'the sidecar of network.tailscale is not installed: TROUPE_TSNET is to name its program', {
    retryable: false,
  })
}
