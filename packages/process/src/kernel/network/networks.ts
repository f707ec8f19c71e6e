/**
 * The networks to which threads are bound: the clear network, or an overlay, with the isolation key if it isolates by
 * actor or process. Work of one network runs only in threads of that network.
 */
import { type EntryId, type Frame, unavailable, forgetOldest } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'
import type { Overlay, OverlayTable } from '@troupe/network/kernel'

/** A network to which a thread can be bound. */
export interface Network extends ThreadNetwork {
  /** Equal for equal networks. */
  readonly key: string
}

/** The network where no overlay is in force. */
export const clearNetwork: Network = Object.freeze({ key: '', overlay: null })

export interface NetworksOptions {
  readonly overlays: Pick<OverlayTable, 'get' | 'has'>
  /** The overlay of a frame that chose none. */
  readonly defaultOverlay: () => EntryId | undefined
}

/** What an id referred to, and how often that has changed. */
interface Known {
  readonly epoch: number
  readonly identity: string | undefined
}

/** Finds the network of a frame, and knows which networks are current. */
export class Networks {
  readonly #options: NetworksOptions
  readonly #known = new Map<EntryId, Known>()
  readonly #epochs = new WeakMap<Overlay, number>()
  readonly #wholes = new WeakMap<Overlay, Network>()
  /** One object for each recently used key. */
  readonly #networks = new Map<string, Network>()
  #processes = 0

  constructor(options: NetworksOptions) {
    this.#options = options
  }

  /** The overlay to which a frame leads. */
  overlayOf({ overlay }: Frame): EntryId | null {
    return overlay === undefined ? (this.#options.defaultOverlay() ?? null) : overlay
  }

  /**
   * The network of a process that starts in `frame`.
   *
   * @throws TroupeError `NotFound` for an overlay that does not run.
   */
  ofProcess(frame: Frame): Network {
    const overlay = this.overlayOf(frame)
    if (overlay === null) return clearNetwork
    const running = this.#options.overlays.get(overlay)
    if (running.isolates !== 'process') return this.#of(running, frame, undefined)
    this.#processes += 1
    return this.#of(running, frame, `process ${this.#processes}`)
  }

  /**
   * The network of work in `frame` that code in `from` requests. If the overlay isolates processes, the caller's own
   * network is used.
   *
   * @param caller - Key of the caller, for an overlay in which the caller does not run.
   * @throws TroupeError `NotFound` for an overlay that does not run.
   */
  ofCall(frame: Frame, from: Network | undefined, caller: string): Network {
    const overlay = this.overlayOf(frame)
    if (overlay === null) return clearNetwork
    const running = this.#options.overlays.get(overlay)
    if (running.isolates !== 'process') return this.#of(running, frame, undefined)
    return from?.overlay === overlay && this.isCurrent(from) ? from : this.#of(running, frame, `caller ${caller}`)
  }

  /**
   * The network of work that was kept for code that may have ended, in `frame`.
   *
   * @param process - The isolation key that the code had, for an overlay that isolates processes.
   * @throws TroupeError `NotFound` for an overlay that does not run.
   */
  ofKept(frame: Frame, process: string): Network {
    const overlay = this.overlayOf(frame)
    if (overlay === null) return clearNetwork
    const running = this.#options.overlays.get(overlay)
    return this.#of(running, frame, running.isolates === 'process' ? process : undefined)
  }

  /** Whether threads of that network may still get work: its overlay exists, and leads where it led before. */
  isCurrent({ key, overlay }: Network): boolean {
    if (overlay === null) return true
    if (!this.#options.overlays.has(overlay)) return false
    return key.startsWith(prefixOf(overlay, this.#epochOf(this.#options.overlays.get(overlay))))
  }

  /** @throws TroupeError `Unavailable` for a network that is not current. */
  check(network: Network): void {
    if (this.isCurrent(network)) return
    const { overlay } = network
    throw unavailable(
      `overlay ${overlay} was replaced by one that leads elsewhere, ` +
        'or deleted, since this thread began: start the process again',
      {
        overlay,
        code: 'ENETWORK',
      },
    )
  }

  /** An overlay was removed: an overlay that gets the same id later is another network. */
  removed(overlay: EntryId): void {
    const { epoch } = this.#known.get(overlay) ?? { epoch: 0 }
    this.#known.set(overlay, { epoch: epoch + 1, identity: undefined })
  }

  #of(running: Overlay, frame: Frame, process: string | undefined): Network {
    if (running.isolates === undefined) return this.#whole(running)
    const actor = running.isolates === 'actor' ? frame.actor?.id : undefined
    const isolation = { ...(actor !== undefined && { actor }), ...(process !== undefined && { process }) }
    const epoch = this.#epochOf(running)
    const key = prefixOf(running.id, epoch) + JSON.stringify(isolation)
    const known = this.#networks.get(key)
    if (known !== undefined) return known
    const network = Object.freeze({
      key,
      overlay: running.id,
      ...epochField(epoch),
      isolation: Object.freeze(isolation),
    })
    if (process === undefined) this.#remember(network)
    return network
  }

  #remember(network: Network): void {
    this.#networks.set(network.key, network)
    forgetOldest(this.#networks, mostRemembered)
  }

  /** The network of an overlay that does not isolate callers. */
  #whole(running: Overlay): Network {
    const known = this.#wholes.get(running)
    if (known !== undefined) return known
    const epoch = this.#epochOf(running)
    const key = prefixOf(running.id, epoch)
    const network = this.#networks.get(key) ?? Object.freeze({ key, overlay: running.id, ...epochField(epoch) })
    this.#remember(network)
    this.#wholes.set(running, network)
    return network
  }

  #epochOf(running: Overlay): number {
    const { id, kind, isolates, identity: own } = running
    const counted = this.#epochs.get(running)
    if (counted !== undefined) return counted
    const identity = JSON.stringify([kind, isolates, own])
    const known = this.#known.get(id)
    const epoch =
      known === undefined ? 0 : known.epoch + (known.identity === undefined || known.identity === identity ? 0 : 1)
    this.#known.set(id, { epoch, identity })
    this.#epochs.set(running, epoch)
    return epoch
  }
}

const mostRemembered = 4096

function prefixOf(overlay: EntryId, epoch: number): string {
  return `${overlay} ${epoch} `
}

function epochField(epoch: number): Pick<Network, 'epoch'> {
  return epoch === 0 ? {} : { epoch }
}

/** Describes a network in words, for errors. */
export function describeNetwork({ overlay }: { readonly overlay: EntryId | null }): string {
  return overlay === null ? 'the clear network' : `overlay ${overlay}`
}
