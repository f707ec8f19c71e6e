/** The errors with which the guard refuses. */
import { countRefusal, denied, type EntryId, type TroupeError } from '@troupe/core'
import { applicationAccess } from '../dial/network-access.ts'
import { isSealed, sealedRefusal } from '../sealed/sealed.ts'
import { threadOverlay } from '../overlay/thread-network.ts'
import { noteRefusal } from './refusal-names.ts'
import { isWholeProgram } from './whole-program.ts'
import { channel } from 'node:diagnostics_channel'

/** An event of the channel `troupe:overlay:refused`: code used something that its overlay does not carry. */
export interface RefusalEvent {
  /** The entry of the overlay. */
  readonly overlay: EntryId
  /** What was used, such as `dns.resolveMx`. */
  readonly what: string
}

const refusals = channel('troupe:overlay:refused')

export type GuardDenial = TroupeError & { code: string }

const goAnotherWay = () => (isWholeProgram() ? inProgram : inApplication)
const inProgram =
  'Use a TCP connection, which the overlay carries, or name what may stay in the clear: troupe exec --allow'
const inApplication =
  'Use a TCP connection, which the overlay carries, or choose ' +
  'the clear network for this work on purpose, with network: null'

const begin = 'Do this in a process or function, or call boot or start before'

/**
 * Returns the error for a use of `what`, which no overlay carries; `undefined` in the clear network of a thread that is
 * not sealed.
 */
export function deniedError(what: string, remedy?: string): GuardDenial | undefined {
  if (isSealed()) return sealedRefusal(what)
  const network = threadOverlay()
  if (network === null) return undefined
  return network === undefined ? unbound(what) : deniedIn(network, what, remedy)
}

/** Returns the error for an overlay: `what` would bypass it. */
export function deniedIn(overlay: EntryId, what: string, remedy: string = goAnotherWay()): GuardDenial {
  const advice = applicationAccess()?.advice
  const message = `${what} is refused in overlay ${overlay}: it would go past the overlay. ${remedy}`
  countRefusal(what)
  noteRefusal(what)
  if (refusals.hasSubscribers) refusals.publish({ overlay, what } satisfies RefusalEvent)
  const error = denied(advice === undefined ? message : `${message}. ${advice}`, { overlay, what })
  return Object.assign(error, { code: 'EOVERLAY' })
}

/** Returns the error for a thread without a network: a default to the clear network could leak. */
export function unbound(what: string): GuardDenial {
  countRefusal(what)
  noteRefusal(what)
  const error = denied(
    `${what} is refused: this thread has no network yet, and opens nothing until it is given one. ${begin}`,
    { what },
  )
  return Object.assign(error, { code: 'EUNBOUND' })
}

/**
 * Returns the error for an address from an overlay's name look-up that is used in the clear network, which cannot reach
 * it.
 */
export function standsForName(address: string): GuardDenial {
  const error = denied(
    `${address} is no address: it stands for a name that was looked up in an ` +
      'overlay. Look the name up again in the clear network, or connect by name',
    { address },
  )
  return Object.assign(error, { code: 'EOVERLAY' })
}
