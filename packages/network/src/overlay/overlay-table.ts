/** The kernel's table of an application's overlays, by id. */
import { asTroupeError, type EntryId, type Log, notFound, TroupeError, unavailable } from '@troupe/core'
import { didYouMean } from '@troupe/registry'
import { resolve } from 'node:path'
import type { Binding, BindOptions, Overlay, OverlayStatus } from './overlay.ts'
import type { Entries, OverlayKind } from './overlay-kind.ts'
import { OverlayChains } from './overlay-chains.ts'
import { HandOver, type OverlaySwap, Swap } from './overlay-swap.ts'
import type { Route } from './route.ts'
import { overlayKinds } from './overlay-kinds.ts'
import type { OverlaySummary, OverlayTableOptions } from './overlay-table-options.ts'
import { onTrouble } from './trouble.ts'

let applications = 0

/**
 * Running overlays. Each overlay that is built gets its own generation, so that a route identifies its overlay.
 *
 * @example
 * ```ts
 * await using overlays = new OverlayTable(registry)
 * for (const { id } of registry.find({ kind: 'network.*' })) await overlays.add(id)
 * overlays.route(id) // for a thread that was granted it
 * ```
 */
export class OverlayTable implements AsyncDisposable {
  /** Number of the application in this program: {@link Route.application}. */
  readonly application = (applications += 1)
  readonly #entries: Entries
  readonly #kinds: ReadonlyMap<string, OverlayKind>
  readonly #running = new Map<EntryId, Overlay>()
  readonly #chains = new OverlayChains()
  /** Overlays that are built but not yet in service: overlays that lead through them are built on them. */
  readonly #pending = new Map<EntryId, Overlay>()
  /** Overlays during a handover: the old one is closed and the new one is not yet open. */
  readonly #handOvers = new Map<EntryId, Promise<void>>()
  readonly #stateDir: string
  readonly #log: Log
  readonly #logs = new Map<EntryId, Log>()
  /** Routes as they are passed on, by those of the overlays. */
  readonly #routes = new WeakMap<Route, Route>()
  readonly #onHandOver: (id: EntryId) => void
  /** For entries whose overlay does not run: the reason, and the time of the failure. */
  readonly #failures = new Map<EntryId, { readonly error: unknown; readonly since: number }>()
  readonly #listeners = new Set<() => void>()
  readonly #ear = onTrouble((id) => this.#running.get(id)?.doubt?.())
  #generation = 0

  constructor(
    entries: Entries,
    {
      kinds = overlayKinds,
      stateDir = resolve('.troupe/net'),
      log = () => undefined,
      onHandOver = () => undefined,
    }: OverlayTableOptions = {},
  ) {
    this.#entries = entries
    this.#kinds = new Map(kinds.map((kind) => [kind.kind.kind, kind]))
    this.#stateDir = stateDir
    this.#log = log
    this.#onHandOver = onHandOver
  }

  /**
   * Builds the overlay of an entry and puts it in service.
   *
   * @throws TroupeError `AlreadyExists` when it runs, `Invalid` for a wrong kind or invalid fields, `Unavailable`.
   */
  async add(id: EntryId): Promise<Overlay> {
    if (this.#running.has(id))
      throw new TroupeError('AlreadyExists', `overlay ${id} runs already`, { details: { overlay: id } })
    try {
      const overlay = await this.replace(id)
      this.#failures.delete(id)
      return overlay
    } catch (error) {
      if (!this.#running.has(id)) this.#failures.set(id, { error, since: this.#failures.get(id)?.since ?? Date.now() })
      throw error
    }
  }

  /**
   * Rebuilds the overlay from its entry. The old one serves until the new one is ready, or longer if the rebuild fails.
   * The overlays that lead through it ({@link leadingThrough}) are rebuilt too, because their routes contain its route.
   *
   * @throws TroupeError like {@link add}.
   */
  async replace(id: EntryId): Promise<Overlay> {
    const swap = await this.prepare(id)
    await swap.commit()
    await Promise.all(swap.retired.map(async (former) => former[Symbol.asyncDispose]()))
    return this.get(id)
  }

  /**
   * Builds the overlay from its entry, and rebuilds those that lead through it. They are invisible until the commit.
   *
   * @throws TroupeError like {@link add}.
   */
  async prepare(id: EntryId, entries: Entries = this.#entries): Promise<OverlaySwap> {
    const kind = this.#kindOf(id, entries)
    const former = this.#running.get(id)
    const state = kind.exclusive?.(entries, id, { stateDir: this.#stateDir })
    if (former !== undefined && state !== undefined && state === former.exclusive) {
      return new HandOver({
        id,
        former,
        open: async () => this.#open(id, entries),
        reopen: async () => this.#open(id, this.#entries),
        place: this.#place,
        handOver: (done) => {
          this.#handOvers.set(id, done)
          void done.then(() => this.#handOvers.delete(id))
          this.#onHandOver(id)
        },
      })
    }
    const built: Overlay[] = []
    const swap = new Swap({
      built,
      running: (other) => this.#running.get(other),
      place: this.#place,
      forget: this.#forget,
    })
    try {
      for (const other of [id, ...this.#allThrough(id)]) {
        const overlay = await this.#open(other, entries)
        this.#pending.set(other, overlay)
        built.push(overlay)
      }
      return swap
    } catch (error) {
      await swap.rollback()
      throw error
    }
  }

  /** Prepares the removal of an overlay. */
  prepareRemoval(id: EntryId): OverlaySwap {
    const running = (other: EntryId) => this.#running.get(other)
    return new Swap({ built: [], removed: id, running, place: this.#place, forget: this.#forget })
  }

  /** Returns the running overlays whose connections go through `id`, directly or indirectly. */
  leadingThrough(id: EntryId): readonly EntryId[] {
    return this.#chains.leadingThrough(id, (other) => this.#running.get(other))
  }

  /** Takes an overlay out of service: look-ups of its id then fail. Does nothing when it does not run. */
  async remove(id: EntryId): Promise<void> {
    const overlay = this.#running.get(id)
    this.#place(id, undefined)
    this.#failures.delete(id)
    await overlay?.[Symbol.asyncDispose]()
  }

  /** Settles when no handover of the overlay is in progress. */
  async settled(id: EntryId): Promise<void> {
    await this.#handOvers.get(id)
  }

  /** @throws TroupeError `NotFound`, with the nearest existing id; `Unavailable` for one that failed to start. */
  get(id: EntryId): Overlay {
    const overlay = this.#running.get(id)
    if (overlay) return overlay
    const failure = this.#failures.get(id)
    if (failure)
      throw unavailable(`overlay ${id} failed to start: ${asTroupeError(failure.error).message}`, { overlay: id })
    throw notFound(`there is no overlay ${id}${didYouMean(id, this.#running.keys())}`, { overlay: id })
  }

  /** Calls `listener` each time the overlay in service under an id changes, or is removed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  has(id: EntryId): boolean {
    return this.#running.has(id)
  }

  /**
   * Returns what a thread needs to dial the overlay. It contains credentials: only threads that were granted it get it.
   *
   * @throws TroupeError `NotFound`
   */
  route(id: EntryId): Route {
    return this.#own(this.get(id).route)
  }

  /**
   * Binds a place at which a thread accepts connections.
   *
   * @throws TroupeError `NotFound`; like {@link Overlay.bind}.
   */
  async bind(id: EntryId, options: BindOptions): Promise<Binding> {
    const { application } = this
    const binding = await this.get(id).bind(options)
    return {
      listenGrant: Object.freeze({ ...binding.listenGrant, application }),
      [Symbol.asyncDispose]: async () => binding[Symbol.asyncDispose](),
    }
  }

  #own(route: Route): Route {
    if (route.application === this.application) return route
    const known = this.#routes.get(route)
    if (known !== undefined) return known
    const own = Object.freeze({ ...route, application: this.application })
    this.#routes.set(route, own)
    return own
  }

  /** Returns the status of an overlay; `undefined` for kinds that report none. @throws TroupeError `NotFound` */
  async status(id: EntryId): Promise<OverlayStatus | undefined> {
    const failure = this.#failures.get(id)
    if (failure && !this.#running.has(id)) {
      return { state: 'down', reason: asTroupeError(failure.error).message, since: failure.since }
    }
    return this.get(id).status?.()
  }

  /** Lists the running overlays, without secrets. */
  list(): readonly OverlaySummary[] {
    return Array.from(this.#running.values(), ({ id, kind, capabilities, route }) => ({
      id,
      kind,
      generation: route.generation,
      capabilities,
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ear[Symbol.dispose]()
    const overlays = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(overlays.map(async (overlay) => overlay[Symbol.asyncDispose]()))
  }

  /** The same function for each overlay of an entry: sessions that continue compare their settings. */
  #logOf(id: EntryId): Log {
    const known = this.#logs.get(id)
    if (known !== undefined) return known
    const log: Log = (line, note) => {
      this.#log(line, { overlay: id, ...note })
    }
    this.#logs.set(id, log)
    return log
  }

  async #open(id: EntryId, entries: Entries): Promise<Overlay> {
    this.#generation += 1
    const through = new Set<EntryId>()
    const overlay = await this.#kindOf(id, entries).open(entries, id, {
      application: this.application,
      generation: this.#generation,
      stateDir: this.#stateDir,
      log: this.#logOf(id),
      variable: (name) => entries.variable(id, name),
      routeOf: (other) => {
        through.add(other)
        this.#chains.note(id, other)
        return this.#own((this.#pending.get(other) ?? this.get(other)).route)
      },
    })
    this.#chains.built(overlay, through)
    return overlay
  }

  /** Directly or indirectly; an overlay comes after those that it leads through. */
  #allThrough(id: EntryId, found: EntryId[] = []): readonly EntryId[] {
    for (const other of this.leadingThrough(id)) {
      if (found.includes(other)) found.splice(found.indexOf(other), 1)
      found.push(other)
      this.#allThrough(other, found)
    }
    return found
  }

  readonly #place = (id: EntryId, overlay: Overlay | undefined) => {
    const former = this.#running.get(id)
    former?.retire?.()
    if (overlay === undefined) this.#running.delete(id)
    else this.#running.set(id, overlay)
    this.#chains.placed(id, former, overlay)
    for (const listener of this.#listeners) listener()
  }

  readonly #forget = (overlay: Overlay) => {
    if (this.#pending.get(overlay.id) === overlay) this.#pending.delete(overlay.id)
  }

  #kindOf(id: EntryId, entries: Entries): OverlayKind {
    const { kind } = entries.get(id)
    const overlayKind = this.#kinds.get(kind)
    if (overlayKind) return overlayKind
    throw new TroupeError('Invalid', `${id} is a ${kind}, not an overlay`, { details: { overlay: id, kind } })
  }
}
