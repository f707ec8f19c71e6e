/** Which overlay, if any, the code that runs is bound to. */
import { currentFrame, denied, type EntryId, type TroupeError } from '@troupe/core'
import { applicationAccess } from '../access.ts'

/** The frame's overlay, else the application's default; `undefined` in the clear. */
function overlayInForce(): EntryId | undefined {
  const chosen = currentFrame()?.overlay
  if (chosen === null) return undefined
  return chosen ?? applicationAccess()?.defaultOverlay
}

/** The error for using `what`, which knows nothing of overlays; `undefined` in the clear. */
export function refusal(what: string): (TroupeError & { code: string }) | undefined {
  const overlay = overlayInForce()
  if (overlay === undefined) return undefined
  const error = denied(
    `${what} is refused in overlay ${overlay}: it would go past the overlay. Use http.get and its siblings, which go through it, ` +
      'or choose the clear network for this work on purpose, with network: null',
    { overlay, what },
  )
  return Object.assign(error, { code: 'EOVERLAY' })
}
