/** The overlays of an application, by id, as the kernel holds them. */
import { type EntryId, notFound, TroupeError } from '@troupe/core'
import { didYouMean, type Kind } from '@troupe/registry'
import { socks5Overlay } from './drivers/socks5/driver.ts'
import type { Capabilities, Overlay } from './overlay.ts'
import type { Entries, OverlayKind } from './overlay-kind.ts'
import type { Route } from './route.ts'

const known: readonly OverlayKind[] = [socks5Overlay]

/** The kinds that entries of overlays may have: give them to the registry. */
export const networkKinds: readonly Kind[] = known.map(({ kind }) => kind)

/** An overlay as it may be shown: without its route. */
export interface OverlaySummary {
  readonly id: EntryId
  readonly kind: string
  readonly generation: number
  readonly capabilities: Capabilities
}

/**
 * Running overlays. Each one that is built gets a generation of its own, so a route tells which one it belongs to.
 *
 * @example
 * ```ts
 * await using overlays = new Overlays(registry)
 * for (const { id } of registry.find({ kind: 'network.*' })) await overlays.add(id)
 * overlays.route(id) // for a thread that was granted it
 * ```
 */
export class Overlays implements AsyncDisposable {
  readonly #entries: Entries
  readonly #kinds: ReadonlyMap<string, OverlayKind>
  readonly #running = new Map<EntryId, Overlay>()
  /** Overlays that each one leads through. */
  readonly #through = new Map<EntryId, ReadonlySet<EntryId>>()
  #generation = 0

  constructor(entries: Entries, kinds: readonly OverlayKind[] = known) {
    this.#entries = entries
    this.#kinds = new Map(kinds.map((kind) => [kind.kind.kind, kind]))
  }

  /**
   * Builds the overlay of an entry and puts it in service.
   *
   * @throws TroupeError `AlreadyExists` when it runs, `Invalid` for an entry that is no overlay or is wrong, `Unavailable`.
   */
  async add(id: EntryId): Promise<Overlay> {
    if (this.#running.has(id)) throw new TroupeError('AlreadyExists', `overlay ${id} runs already`, { details: { overlay: id } })
    return this.replace(id)
  }

  /**
   * Builds the overlay anew from its entry. The old one serves until the new one stands; if that fails, it goes on serving.
   * Those that lead through it ({@link leadingThrough}) are then built anew too, since their routes hold its own.
   *
   * @throws TroupeError like {@link add}.
   */
  async replace(id: EntryId): Promise<Overlay> {
    this.#generation += 1
    const through = new Set<EntryId>()
    const overlay = await this.#kindOf(id).open(this.#entries, id, this.#generation, (other) => {
      through.add(other)
      return this.route(other)
    })
    const former = this.#running.get(id)
    this.#running.set(id, overlay)
    this.#through.set(id, through)
    await former?.[Symbol.asyncDispose]()
    if (former) for (const other of this.leadingThrough(id)) await this.replace(other)
    return overlay
  }

  /** The overlays whose connections go through `id` in turn, as far as they run. */
  leadingThrough(id: EntryId): readonly EntryId[] {
    return [...this.#running.keys()].filter((other) => this.#through.get(other)?.has(id) === true)
  }

  /** Takes an overlay out of service: from here on it is unknown. Nothing happens when it does not run. */
  async remove(id: EntryId): Promise<void> {
    const overlay = this.#running.get(id)
    this.#running.delete(id)
    this.#through.delete(id)
    await overlay?.[Symbol.asyncDispose]()
  }

  /** @throws TroupeError `NotFound`, with the nearest id that there is. */
  get(id: EntryId): Overlay {
    const overlay = this.#running.get(id)
    if (overlay) return overlay
    throw notFound(`there is no overlay ${id}${didYouMean(id, this.#running.keys())}`, { overlay: id })
  }

  has(id: EntryId): boolean {
    return this.#running.has(id)
  }

  /**
   * What a thread needs to dial the overlay. It holds credentials: it goes only to threads that were granted the overlay.
   *
   * @throws TroupeError `NotFound`
   */
  route(id: EntryId): Route {
    return this.get(id).route
  }

  /** What runs, without secrets. */
  list(): readonly OverlaySummary[] {
    return Array.from(this.#running.values(), ({ id, kind, capabilities, route }) => ({
      id,
      kind,
      generation: route.generation,
      capabilities,
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const overlays = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(overlays.map(async (overlay) => overlay[Symbol.asyncDispose]()))
  }

  #kindOf(id: EntryId): OverlayKind {
    const { kind } = this.#entries.get(id)
    const overlayKind = this.#kinds.get(kind)
    if (overlayKind) return overlayKind
    throw new TroupeError('Invalid', `${id} is a ${kind}, not an overlay`, { details: { overlay: id, kind } })
  }
}
