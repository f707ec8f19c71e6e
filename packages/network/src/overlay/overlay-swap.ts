/** How one overlay replaces another. */
import { type EntryId, sleep } from '@troupe/core'
import type { Overlay } from './overlay.ts'

/** A prepared change of the overlays in service. */
export interface OverlaySwap {
  /** Checks that the new overlays can work. @throws TroupeError `Unavailable` */
  check(): Promise<void>
  /** Puts the new overlays in service. Every dial that starts later uses them. */
  commit(): Promise<void>
  /** Puts the old overlays back, if the new ones were in service, and closes the new ones. */
  rollback(): Promise<void>
  /**
   * The overlays that were in service before the commit. They keep their open connections; the caller of `commit`
   * closes them when those have ended.
   */
  readonly retired: readonly Overlay[]
}

export interface SwapOptions {
  readonly built: readonly Overlay[]
  readonly removed?: EntryId
  readonly running: (id: EntryId) => Overlay | undefined
  /** Puts an overlay in service, or takes it out. */
  readonly place: (id: EntryId, overlay: Overlay | undefined) => void
  /** Removes an overlay from the pending ones. */
  readonly forget: (overlay: Overlay) => void
}

/** The old and the new overlay run side by side. */
export class Swap implements OverlaySwap {
  readonly #options: SwapOptions
  /** After the commit: the overlays that were in service before, by id. */
  #former: ReadonlyMap<EntryId, Overlay | undefined> | undefined

  constructor(options: SwapOptions) {
    this.#options = options
  }

  get retired(): readonly Overlay[] {
    return [...(this.#former?.values() ?? [])].filter((overlay) => overlay !== undefined)
  }

  async check(): Promise<void> {
    await this.#options.built[0]?.check?.()
  }

  async commit(): Promise<void> {
    const { built, removed, running, place } = this.#options
    const ids = [...built.map(({ id }) => id), ...(removed === undefined ? [] : [removed])]
    this.#former = new Map(ids.map((id) => [id, running(id)]))
    if (removed !== undefined) place(removed, undefined)
    for (const overlay of built) place(overlay.id, overlay)
    this.#letGo()
  }

  async rollback(): Promise<void> {
    const { built, place } = this.#options
    this.#letGo()
    for (const [id, overlay] of this.#former ?? []) place(id, overlay)
    await Promise.all(
      built.map(async (overlay) => (overlay.discard ? overlay.discard() : overlay[Symbol.asyncDispose]())),
    )
  }

  #letGo(): void {
    for (const overlay of this.#options.built) this.#options.forget(overlay)
  }
}

export interface HandOverOptions {
  readonly id: EntryId
  readonly former: Overlay
  readonly open: () => Promise<Overlay>
  /** Reopens the overlay that was in service before. */
  readonly reopen: () => Promise<Overlay>
  readonly place: (id: EntryId, overlay: Overlay | undefined) => void
  /** Announces that no overlay runs until `done` has settled: requests for a route wait. */
  readonly handOver: (done: Promise<void>) => void
}

/** Milliseconds for dials that already have their route: they reach the old overlay, and short ones finish. */
const lastDials = 50

/**
 * For overlays that may not run twice on the same state: the old one is closed before the new one is opened, and dials
 * wait meanwhile.
 */
export class HandOver implements OverlaySwap {
  readonly retired: readonly Overlay[] = []
  readonly #options: HandOverOptions
  #opened: Overlay | undefined

  constructor(options: HandOverOptions) {
    this.#options = options
  }

  /** The opening itself shows whether the new overlay works. */
  async check(): Promise<void> {}

  async commit(): Promise<void> {
    const { former, open } = this.#options
    await this.#meanwhile(async () => {
      await sleep(lastDials)
      await former[Symbol.asyncDispose]()
      try {
        this.#opened = await this.#serve(open)
      } catch (error) {
        await this.#serve(this.#options.reopen)
        throw error
      }
    })
  }

  async rollback(): Promise<void> {
    const opened = this.#opened
    if (opened === undefined) return
    await this.#meanwhile(async () => {
      await opened[Symbol.asyncDispose]()
      await this.#serve(this.#options.reopen)
    })
  }

  async #serve(open: () => Promise<Overlay>): Promise<Overlay> {
    const { id, place } = this.#options
    try {
      const overlay = await open()
      place(id, overlay)
      return overlay
    } catch (error) {
      place(id, undefined)
      throw error
    }
  }

  async #meanwhile(work: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#options.handOver(promise)
    try {
      await work()
    } finally {
      resolve()
    }
  }
}
