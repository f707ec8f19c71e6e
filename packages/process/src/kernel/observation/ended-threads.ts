/** What happened in threads that have ended: their counters, summed up by what they ran and where. */
import { addCounts, type EntryId, noCounts } from '@troupe/core'
import type { Thread } from '../../worker-threads/thread.ts'

/** Maximum number of sums. Threads beyond it are counted together, so that entries that come and go leave no trace. */
const mostSums = 4096

/** The sum of the threads of one owner in one network. */
export interface EndedSum {
  /** The host or function entry; `undefined` for the rest. */
  readonly owner: EntryId | undefined
  /** `null`: the clear network. */
  readonly overlay: EntryId | null
  readonly threads: number
  readonly counters: Float64Array
}

export class EndedThreads {
  readonly #sums = new Map<string, { -readonly [Key in keyof EndedSum]: EndedSum[Key] }>()

  /** Adds a thread that has ended: it writes nothing more. */
  add({ owner, network, counters }: Pick<Thread, 'owner' | 'network' | 'counters'>): void {
    const overlay = network?.overlay ?? null
    const key = `${owner ?? ''} ${overlay ?? ''}`
    const known = this.#sums.get(key) ?? (this.#sums.size < mostSums ? undefined : this.#sums.get('rest'))
    if (known !== undefined) {
      known.threads += 1
      addCounts(known.counters, counters)
      return
    }
    const isRest = this.#sums.size >= mostSums
    const sum = {
      owner: isRest ? undefined : owner,
      overlay: isRest ? null : overlay,
      threads: 1,
      counters: noCounts(),
    }
    addCounts(sum.counters, counters)
    this.#sums.set(isRest ? 'rest' : key, sum)
  }

  all(): Iterable<EndedSum> {
    return this.#sums.values()
  }
}
