/** The errors with which the guard refuses. */
import { denied, type EntryId, type TroupeError } from '@troupe/core'
import { applicationAccess } from '../access.ts'
import { networkInForce } from './in-force.ts'
import { isSealed, sealedRefusal } from '../sealed/sealed.ts'

export type Refusal = TroupeError & { code: string }

const goAnotherWay =
  'Use a TCP connection, which the overlay carries, or choose the clear network for this work on purpose, with network: null'
const bindCallback =
  'Start the work inside a process or function, or keep its context for the callback with AsyncLocalStorage.bind() or AsyncResource.bind()'

/** The error for using `what`, which no overlay carries; `undefined` in the clear of a thread that is not sealed. */
export function refusal(what: string, remedy: string = goAnotherWay): Refusal | undefined {
  if (isSealed()) return sealedRefusal(what)
  const network = networkInForce()
  if (network === null) return undefined
  return network === undefined ? lostContext(what) : refusedIn(network, what, remedy)
}

/** In an overlay: `what` would go past it. */
export function refusedIn(overlay: EntryId, what: string, remedy: string = goAnotherWay): Refusal {
  const advice = applicationAccess()?.advice
  const message = `${what} is refused in overlay ${overlay}: it would go past the overlay. ${remedy}`
  const error = denied(advice === undefined ? message : `${message}. ${advice}`, { overlay, what })
  return Object.assign(error, { code: 'EOVERLAY' })
}

/** Nobody can tell on whose behalf: taking the clear network would be a guess that can leak. */
export function lostContext(what: string): Refusal {
  const error = denied(`${what} is refused: no process or function is in force here, so its overlay is not known. ${bindCallback}`, {
    reason: 'lostContext',
    what,
  })
  return Object.assign(error, { code: 'ELOSTCONTEXT' })
}

/** The clear network has no way to what an overlay's name lookup answered. */
export function standsForName(address: string): Refusal {
  const error = denied(
    `${address} is no address: it stands for a name that was looked up in an overlay. Look the name up again in the clear network, or connect by name`,
    { address },
  )
  return Object.assign(error, { code: 'EOVERLAY' })
}
