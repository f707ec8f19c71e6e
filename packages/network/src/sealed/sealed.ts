/** Whether this thread is one that may open nothing itself: the kernel dials for it and hands connections over (`host.network: sealed`). */
import { denied, type TroupeError } from '@troupe/core'

let sealed = false

/** From here on this thread is sealed, for good. */
export function seal(): void {
  sealed = true
}

export function isSealed(): boolean {
  return sealed
}

const goAnotherWay = 'Use a TCP connection, which the kernel opens and hands over, or run this work in a host whose network is not sealed'

/** The error for using `what`, which nothing in a sealed thread may. */
export function sealedRefusal(what: string, remedy: string = goAnotherWay): TroupeError & { code: string } {
  const error = denied(`${what} is refused in a sealed host: its threads have no network, and nothing that leads to one. ${remedy}`, {
    what,
  })
  return Object.assign(error, { code: 'ESEALED' })
}
