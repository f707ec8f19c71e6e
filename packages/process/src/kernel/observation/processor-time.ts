/**
 * The processor time of threads, summed up by what they ran and where. What a thread used after the last look is lost.
 */
import type { EntryId } from '@troupe/core'
import type { Thread } from '../../worker-threads/thread.ts'

/** Maximum number of sums: time beyond it is counted together. */
const mostSums = 4096

/** Processor time of the threads of one owner in one network. */
export interface ObservedTime {
  /** The host or function entry; `undefined` for the main thread. */
  readonly owner: EntryId | undefined
  /** `null`: the clear network. */
  readonly overlay: EntryId | null
  readonly milliseconds: number
}

export class ProcessorTime {
  readonly #sums = new Map<string, ObservedTime>()
  readonly #seen = new WeakMap<Thread, number>()

  /** A thread has used that many milliseconds since its start. */
  add(thread: Thread, used: number): void {
    const more = Math.max(0, used - (this.#seen.get(thread) ?? 0))
    this.#seen.set(thread, used)
    const overlay = thread.network?.overlay ?? null
    const key = `${thread.owner ?? ''} ${overlay ?? ''}`
    const isRest = !this.#sums.has(key) && this.#sums.size >= mostSums
    const known = this.#sums.get(isRest ? 'rest' : key)
    const place = isRest ? { owner: undefined, overlay: null } : { owner: thread.owner, overlay }
    this.#sums.set(isRest ? 'rest' : key, { ...place, milliseconds: (known?.milliseconds ?? 0) + more })
  }

  all(): readonly ObservedTime[] {
    return [...this.#sums.values()]
  }
}
