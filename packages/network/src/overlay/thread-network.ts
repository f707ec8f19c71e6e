/** The network of this thread: one for its whole life. All code in the thread runs in that network. */
import { type EntryId, TroupeError } from '@troupe/core'
import type { Isolation } from './overlay.ts'

/** The clear network or an overlay, with the isolation key where the overlay isolates by actor or process. */
export interface ThreadNetwork {
  /** `null`: the clear network. */
  readonly overlay: EntryId | null
  /** On whose behalf everything in this thread uses the overlay. @default no isolation */
  readonly isolation?: Isolation
  /**
   * How many times the overlay's id was already bound to another identity. Connections opened under different epochs
   * are kept apart. @default 0
   */
  readonly epoch?: number
}

let bound: ThreadNetwork | undefined

/**
 * Sets the network of this thread. The runtime calls it once, before any user code loads; until then the thread can
 * open nothing. Another call with the same network does nothing.
 *
 * @throws TroupeError `Internal` when the thread has another network already.
 */
export function bindThreadNetwork(network: ThreadNetwork): void {
  if (bound !== undefined && !isSame(bound, network)) {
    throw new TroupeError(
      'Internal',
      `this thread runs in ${describe(bound)} and cannot change to ${describe(network)}: start another`,
      {
        details: { network: bound.overlay, requested: network.overlay },
        retryable: false,
      },
    )
  }
  bound ??= Object.freeze({
    overlay: network.overlay,
    ...(network.epoch !== undefined && { epoch: network.epoch }),
    ...(network.isolation !== undefined && { isolation: Object.freeze({ ...network.isolation }) }),
  })
}

/** Returns the network of this thread; `undefined` until it is set. */
export function threadNetwork(): ThreadNetwork | undefined {
  return bound
}

/** Returns the overlay of this thread, `null` for the clear network; `undefined` until the network is set. */
export function threadOverlay(): EntryId | null | undefined {
  return bound?.overlay
}

/** For tests, which run several networks one after the other in one thread. */
export function rebindThreadNetwork(network: ThreadNetwork | undefined): void {
  bound = network
}

/**
 * For tests: runs `fn` as in a thread of that network, until its promise settles. Calls must not overlap, because a
 * thread has one network.
 */
export function inNetwork<T>(overlay: EntryId | null, fn: () => Promise<T>): Promise<T>
export function inNetwork<T>(overlay: EntryId | null, fn: () => T): T
export function inNetwork(overlay: EntryId | null, fn: () => unknown): unknown {
  const before = bound
  rebindThreadNetwork({ overlay })
  const restore = () => rebindThreadNetwork(before)
  let settles = false
  try {
    const result = fn()
    settles = result instanceof Promise
    return result instanceof Promise ? result.finally(restore) : result
  } finally {
    if (!settles) restore()
  }
}

function isSame(a: ThreadNetwork, b: ThreadNetwork): boolean {
  return (
    a.overlay === b.overlay &&
    a.epoch === b.epoch &&
    a.isolation?.actor === b.isolation?.actor &&
    a.isolation?.process === b.isolation?.process
  )
}

function describe({ overlay, isolation }: ThreadNetwork): string {
  const network = overlay === null ? 'the clear network' : `overlay ${overlay}`
  return isolation?.actor === undefined && isolation?.process === undefined
    ? network
    : `${network} with an isolation key of its own`
}
