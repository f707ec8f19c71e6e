/** How an overlay takes the place of another. */
import { type EntryId, sleep } from '@troupe/core'
import type { Overlay } from './overlay.ts'

/** A change of the overlays in service that is ready to be made. */
export interface OverlaySwap {
  /** Whether the new one can do its work. @throws TroupeError `Unavailable` */
  check(): Promise<void>
  /** Puts the new ones in service. From then on every dial that starts sees them. */
  commit(): Promise<void>
  /** Puts the old ones back, if the new ones were in service, and closes the new ones. */
  rollback(): Promise<void>
  /** Those that were in service before the commit. They serve what they carry; whoever committed closes them when that has ended. */
  readonly retired: readonly Overlay[]
}

export interface SwapOptions {
  readonly built: readonly Overlay[]
  readonly removed?: EntryId
  readonly running: (id: EntryId) => Overlay | undefined
  /** Puts an overlay in service, or takes it out. */
  readonly place: (id: EntryId, overlay: Overlay | undefined) => void
  /** An overlay is not pending any more. */
  readonly forget: (overlay: Overlay) => void
}

/** Old and new stand side by side. */
export class Swap implements OverlaySwap {
  readonly #options: SwapOptions
  /** What was in service, by id, once committed. */
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
    await Promise.all(built.map(async (overlay) => (overlay.discard ? overlay.discard() : overlay[Symbol.asyncDispose]())))
  }

  #letGo(): void {
    for (const overlay of this.#options.built) this.#options.forget(overlay)
  }
}

export interface HandOverOptions {
  readonly id: EntryId
  readonly former: Overlay
  readonly open: () => Promise<Overlay>
  /** Opens what was in service before. */
  readonly reopen: () => Promise<Overlay>
  readonly place: (id: EntryId, overlay: Overlay | undefined) => void
  /** Neither stands before `done` has settled: who asks for a route waits. */
  readonly handOver: (done: Promise<void>) => void
}

/** Milliseconds for dials that have their route already: they reach the old overlay, and short ones come to their end. */
const lastDials = 50

/** Two may not run at once on the same state: the old one is closed before the new one is opened, and dials wait meanwhile. */
export class HandOver implements OverlaySwap {
  readonly retired: readonly Overlay[] = []
  readonly #options: HandOverOptions
  #opened: Overlay | undefined

  constructor(options: HandOverOptions) {
    this.#options = options
  }

  /** That shows when it is opened. */
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
