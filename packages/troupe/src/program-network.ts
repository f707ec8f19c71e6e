/**
 * The network of the program that contains an application. Its thread gets it before anything else happens, and keeps
 * it until it ends.
 */
import { asTroupeError, type EntryId, entryId, invalid, TroupeError } from '@troupe/core'
import {
  bindThreadNetwork,
  installGuard,
  type NetworkAccess,
  provideNetworkAccess,
  provideNetworkAccessOf,
  threadNetwork,
} from '@troupe/network'
import { isApplicationThread, type Runtime } from '@troupe/process'
import { callersNetworkAccess, kernelNetworkAccess } from '@troupe/process/kernel'
import type { Registry } from '@troupe/registry'
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
/** The applications of this program, from the begin of their start until they have stopped. */
const present = new Set<ProgramPlace>()

/**
 * Applies a network to the program's thread, synchronously. In an overlay, connections that the program opens wait
 * until the application is ready, and fail if it does not start.
 *
 * @throws TroupeError `Invalid` when the thread already has another network. Also when, before there was a guard, it
 *   opened connections, or started threads or child processes that still run. `AlreadyExists` when the overlay would be
 *   that of another application that runs in this program: the sockets of the thread belong to one.
 */
export function enterNetwork(overlay: EntryId | null): ProgramPlace {
  if (isApplicationThread())
    throw new TroupeError(
      'AlreadyExists',
      'a thread of an application starts no other application: use a program of its own, or the program around it',
    )
  const bound = threadNetwork()
  if (bound !== undefined && bound.overlay !== overlay) {
    throw invalid(
      `the thread of this program runs in ${nameOf(bound.overlay)} and keeps that network: ` +
        `an application whose program is to run in ${nameOf(overlay)} needs a ` +
        `thread or a program of its own (or "network: ${bound.overlay ?? 'null'}")`,
      { network: bound.overlay, requested: overlay, code: 'ENETWORK' },
    )
  }
  if (overlay !== null && present.size > 0) throw alreadyRuns(overlay)
  if (overlay !== null && !isAlone) checkAlone(overlay)
  if (overlay !== null && bound === undefined) checkFresh(overlay)
  bindThreadNetwork({ overlay })
  return new ProgramPlace(overlay)
}

function alreadyRuns(overlay: EntryId): TroupeError {
  return new TroupeError(
    'AlreadyExists',
    `an application runs in this program already, and the program's own sockets belong to its overlay ${overlay}: ` +
      'stop it first, or start it with "network: null": then others run beside it',
    { details: { overlay } },
  )
}

/** The place of an application in the program that contains it. */
export class ProgramPlace {
  readonly #overlay: EntryId | null
  readonly #pending: PendingAccess | undefined

  /** Use {@link enterNetwork}. */
  constructor(overlay: EntryId | null) {
    this.#overlay = overlay
    present.add(this)
    if (overlay === null) {
      forgetThreads()
      return
    }
    installGuard()
    this.#pending = new PendingAccess()
    provideNetworkAccess(this.#pending.access)
  }

  /**
   * Checks again before the application starts threads: a thread that the program started just before may have been
   * missed.
   *
   * @throws TroupeError `Invalid`
   */
  checkAlone(): void {
    if (this.#overlay === null) return
    if (!isAlone) checkAlone(this.#overlay)
    isAlone = true
    forgetThreads()
  }

  /**
   * The application is running: its overlay is that of the program's sockets. In the clear network each application has
   * the requests that code makes in it.
   */
  provide(runtime: Runtime, advice: string | undefined): void {
    if (this.#pending === undefined) {
      provideNetworkAccessOf(callersNetworkAccess)
      return
    }
    const access = kernelNetworkAccess(runtime, false, advice)
    provideNetworkAccess(access)
    this.#pending.provide(access)
  }

  /** The application did not start. */
  fail(cause: unknown): void {
    this.leave()
    this.#pending?.fail(cause)
  }

  /** The application has stopped. */
  leave(): void {
    present.delete(this)
  }
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
    'this program started ' +
      `${running.slice(0, 3).join('; ')}${running.length > 3 ? `; and ${running.length - 3} more` : ''} ` +
      'before the application, ' +
      `whose default network is ${overlay}: what they open would not ` +
      'go there. Boot the application before anything is started, ' +
      'or keep the program in the clear with "network: null"',
    { overlay, running, code: 'ENETWORK' },
  )
}

/** @throws TroupeError `Invalid` */
function checkFresh(overlay: EntryId): void {
  const open = openConnections()
  if (open.length === 0) return
  throw invalid(
    `this program opened ${open.length} connection${open.length === 1 ? '' : 's'} ` +
      `(${open.slice(0, 3).join(', ')}) before the application, ` +
      `whose default network is ${overlay}: boot it before anything ` +
      `is opened, or keep the program in the clear with "network: null"`,
    { overlay, connections: open, code: 'ENETWORK' },
  )
}

/** Advice for a program in the application's default network whose own connection fails. */
export function adviceFor(chosen: ProgramNetwork, overlay: EntryId | null): string | undefined {
  if (overlay === null || (chosen !== undefined && chosen !== '')) return undefined
  return (
    `This program itself runs in ${overlay}, the application's default network: ` +
    `boot it with "network: null" to keep its own connections in the clear`
  )
}

/** A placeholder for the application's access to its overlays, until that is ready. */
class PendingAccess {
  readonly access: NetworkAccess
  readonly #there = Promise.withResolvers<NetworkAccess>()

  constructor() {
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

  provide(access: NetworkAccess): void {
    this.#there.resolve(access)
  }

  fail(cause: unknown): void {
    this.#there.reject(
      new TroupeError('Unavailable', `the application did not start: ${asTroupeError(cause).message}`, {
        cause,
        retryable: false,
      }),
    )
  }
}

/** @throws TroupeError `NotFound` */
export function checkOverlay(registry: Registry, overlay: EntryId): void {
  if (registry.find({ kind: 'network.*' }).some(({ id }) => id === overlay)) return
  throw new TroupeError('NotFound', `network: there is no overlay ${overlay}`, { details: { overlay } })
}

function nameOf(overlay: EntryId | null): string {
  return overlay === null ? 'the clear network' : `overlay ${overlay}`
}
