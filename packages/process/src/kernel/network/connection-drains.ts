/**
 * Overlays that are out of service and still carry connections. The connections end by themselves, or are cut when
 * their time has passed. They live in threads, so the kernel asks the threads, and the threads report.
 */
import { type EntryId, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { Thread } from '../../worker-threads/thread.ts'
import type { ThreadTable } from '../../worker-threads/thread-table.ts'

/** Milliseconds between two queries to the threads. */
const interval = 200

interface Drain {
  readonly overlay: EntryId
  readonly generation: number
  /** Unix time in milliseconds. */
  readonly until: number
  readonly done: () => void
}

export class ConnectionDrains implements Disposable {
  readonly #threads: ThreadTable
  readonly #drains = new Set<Drain>()
  /** Threads that have not replied yet, and the oldest generation that the others reported, by overlay. */
  readonly #asked = new Map<EntryId, { readonly waiting: Set<number>; oldest: number }>()
  #timer: Timer | undefined

  constructor(threads: ThreadTable) {
    this.#threads = threads
  }

  /**
   * Calls `done` when no connection is left that was dialled by `generation` of `overlay`, or when all were cut.
   *
   * @param patience - Milliseconds until they are cut.
   */
  add(overlay: EntryId, generation: number, patience: number, done: () => void): void {
    this.#drains.add({ overlay, generation, until: Date.now() + patience, done })
    this.#ask(overlay)
  }

  /** A thread reports the oldest generation by which it holds a connection. */
  onReport(thread: Thread, overlay: EntryId, oldest: number | undefined): void {
    const asked = this.#asked.get(overlay)
    if (asked === undefined || !asked.waiting.delete(thread.number)) return
    asked.oldest = Math.min(asked.oldest, oldest ?? Number.POSITIVE_INFINITY)
    this.#conclude(overlay)
  }

  /** Connections end with their thread. */
  threadGone(thread: number): void {
    for (const [overlay, { waiting }] of this.#asked) if (waiting.delete(thread)) this.#conclude(overlay)
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
    this.#asked.clear()
    for (const drain of this.#drains) this.#end(drain)
  }

  #ask(overlay: EntryId): void {
    this.#asked.set(overlay, { waiting: new Set(this.#threads.numbers()), oldest: Number.POSITIVE_INFINITY })
    this.#threads.broadcast({ type: 'streams', overlay })
    this.#again()
  }

  #conclude(overlay: EntryId): void {
    const asked = this.#asked.get(overlay)
    if (asked === undefined || asked.waiting.size > 0) return
    this.#asked.delete(overlay)
    for (const drain of [...this.#drains])
      if (drain.overlay === overlay && drain.generation < asked.oldest) this.#end(drain)
  }

  #end(drain: Drain): void {
    this.#drains.delete(drain)
    drain.done()
  }

  #again(): void {
    this.#timer ??= startTimer(() => {
      this.#timer = undefined
      for (const drain of [...this.#drains]) {
        if (Date.now() < drain.until) continue
        this.#threads.broadcast({ type: 'cut', overlay: drain.overlay, generation: drain.generation })
        this.#end(drain)
      }
      for (const overlay of new Set([...this.#drains].map((drain) => drain.overlay))) this.#ask(overlay)
    }, interval).unref()
  }
}
