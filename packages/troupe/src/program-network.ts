/**
 * The network of the program that contains an application. Its thread gets it before anything else happens, and keeps
 * it until it ends.
 */
import { asTroupeError, type EntryId, entryId, invalid, TroupeError } from '@troupe/core'
import { bindThreadNetwork, installGuard, type NetworkAccess, provideNetworkAccess, threadNetwork } from '@troupe/network'
import { openConnections } from './open-connections.ts'
import { forgetThreads, runningOutside } from './outside.ts'

/**
 * The program's choice of its own network: an overlay of the application; `null` for the clear network.
 *
 * @default the application's default
 */
export type ProgramNetwork = string | null | undefined

/**
 * Returns the network of a program in an application with that default.
 *
 * @throws TroupeError `Invalid` for a value that is not the id of an overlay.
 */
export function programOverlay(chosen: ProgramNetwork, byDefault: EntryId | undefined): EntryId | null {
  if (chosen === undefined || chosen === '') return byDefault ?? null
  return chosen === null ? null : entryId(chosen)
}

/** Whether nothing is running that this thread started while it had no network. */
let isAlone = false
/** The network of the application that is starting. */
let starting: PendingAccess | undefined

/**
 * Applies a network to the program's thread, synchronously. In an overlay, connections that the program opens wait
 * until the application is ready, and fail if it does not start.
 *
 * @param isRunning - An application already runs in this program: its state stays.
 * @throws TroupeError `Invalid` when the thread already has another network. Also when, before there was a guard, it
 *   opened connections, or started threads or child processes that still run.
 */
export function enterNetwork(overlay: EntryId | null, isRunning: boolean): PendingAccess | undefined {
  const bound = threadNetwork()
  if (bound !== undefined && bound.overlay !== overlay) {
    throw invalid(
      `the thread of this program runs in ${nameOf(bound.overlay)} and keeps that network: ` +
        `an application whose program is to run in ${nameOf(overlay)} needs a thread or a program of its own (or "network: ${bound.overlay ?? 'null'}")`,
      { network: bound.overlay, requested: overlay, code: 'ENETWORK' },
    )
  }
  if (overlay !== null && !isAlone) checkAlone(overlay)
  if (overlay !== null && bound === undefined) checkFresh(overlay)
  bindThreadNetwork({ overlay })
  if (overlay === null) {
    forgetThreads()
    return undefined
  }
  installGuard()
  if (isRunning || starting !== undefined) return undefined
  starting = new PendingAccess(overlay)
  provideNetworkAccess(starting.access)
  return starting
}

/**
 * What the program started earlier continues in the clear network, outside of the guard's control.
 *
 * @throws TroupeError `Invalid`
 */
function checkAlone(overlay: EntryId): void {
  const running = runningOutside()
  if (running.length === 0) return
  throw invalid(
    `this program started ${running.slice(0, 3).join('; ')}${running.length > 3 ? `; and ${running.length - 3} more` : ''} before the application, ` +
      `whose default network is ${overlay}: what they open would not go there. Boot the application before anything is started, ` +
      'or keep the program in the clear with "network: null"',
    { overlay, running, code: 'ENETWORK' },
  )
}

/** @throws TroupeError `Invalid` */
function checkFresh(overlay: EntryId): void {
  const open = openConnections()
  if (open.length === 0) return
  throw invalid(
    `this program opened ${open.length} connection${open.length === 1 ? '' : 's'} (${open.slice(0, 3).join(', ')}) before the application, ` +
      `whose default network is ${overlay}: boot it before anything is opened, or keep the program in the clear with "network: null"`,
    { overlay, connections: open, code: 'ENETWORK' },
  )
}

/** Advice for a program in the application's default network whose own connection fails. */
export function adviceFor(chosen: ProgramNetwork, overlay: EntryId | null): string | undefined {
  if (overlay === null || (chosen !== undefined && chosen !== '')) return undefined
  return `This program itself runs in ${overlay}, the application's default network: boot it with "network: null" to keep its own connections in the clear`
}

/** A placeholder for the application's access to its overlays, until that is ready. */
export class PendingAccess {
  readonly access: NetworkAccess
  readonly #there = Promise.withResolvers<NetworkAccess>()
  readonly #overlay: EntryId

  constructor(overlay: EntryId) {
    this.#overlay = overlay
    const { promise } = this.#there
    promise.catch(() => undefined)
    this.access = {
      select: async (overlay) => (await promise).select(overlay),
      route: async (overlay) => (await promise).route(overlay),
      bind: async (overlay, options) => {
        const place = (await promise).bind?.(overlay, options)
        if (place === undefined) throw new TroupeError('Unavailable', `nothing listens on ${overlay} here`)
        return place
      },
    }
  }

  /**
   * Checks again before the application starts threads: a thread that the program started just before may have been
   * missed.
   *
   * @throws TroupeError `Invalid`
   */
  checkAlone(): void {
    if (!isAlone) checkAlone(this.#overlay)
    isAlone = true
    forgetThreads()
  }

  /** The application is running. */
  provide(access: NetworkAccess): void {
    this.#settle()
    this.#there.resolve(access)
  }

  /** The application did not start. */
  fail(cause: unknown): void {
    this.#settle()
    this.#there.reject(
      new TroupeError('Unavailable', `the application did not start: ${asTroupeError(cause).message}`, { cause, retryable: false }),
    )
  }

  #settle(): void {
    if (starting === this) starting = undefined
  }
}

function nameOf(overlay: EntryId | null): string {
  return overlay === null ? 'the clear network' : `overlay ${overlay}`
}
