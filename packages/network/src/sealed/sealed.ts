/**
 * Whether this thread may open nothing itself: the kernel dials for it and hands connections over (`host.network:
 * sealed`).
 */
import { countRefusal, denied, type TroupeError } from '@troupe/core'
import { noteRefusal } from '../guard/refusal-names.ts'

let sealed = false

/** Seals this thread permanently. */
export function seal(): void {
  sealed = true
}

export function isSealed(): boolean {
  return sealed
}

const goAnotherWay =
  'Use a TCP connection, which the kernel opens and hands over, or run this work in a host whose network is not sealed'

/** Returns the error for a use of `what`, which is denied in a sealed thread. */
export function sealedRefusal(what: string, remedy: string = goAnotherWay): TroupeError & { code: string } {
  countRefusal(what)
  noteRefusal(what)
  const error = denied(
    `${what} is refused in a sealed host: its threads have no network, and nothing that leads to one. ${remedy}`,
    {
      what,
    },
  )
  return Object.assign(error, { code: 'ESEALED' })
}
