/**
 * How many processes live in each thread of a `shared` host: shared memory, so that a thread can start a process by itself and all see it.
 */
import { availableParallelism } from 'node:os'

const totalAt = 0
const firstAt = 1

/** Threads of a `shared` host when none are asked for. */
export const defaultWorkers = availableParallelism()

export class ProcessCounts {
  readonly buffer: SharedArrayBuffer
  readonly #counts: Int32Array
  readonly #max: number

  /** @param max Processes at a time in the whole host. */
  constructor(shared: SharedArrayBuffer | number, max: number) {
    this.buffer = typeof shared === 'number' ? new SharedArrayBuffer(4 * (shared + firstAt)) : shared
    this.#counts = new Int32Array(this.buffer)
    this.#max = max
  }

  get workers(): number {
    return this.#counts.length - firstAt
  }

  get total(): number {
    return Atomics.load(this.#counts, totalAt)
  }

  of(worker: number): number {
    return Atomics.load(this.#counts, firstAt + worker)
  }

  /** Counts one more in; returns false when the host is full. */
  enter(worker: number): boolean {
    if (Atomics.add(this.#counts, totalAt, 1) >= this.#max) {
      Atomics.sub(this.#counts, totalAt, 1)
      return false
    }
    Atomics.add(this.#counts, firstAt + worker, 1)
    return true
  }

  leave(worker: number): void {
    Atomics.sub(this.#counts, totalAt, 1)
    Atomics.sub(this.#counts, firstAt + worker, 1)
  }

  /** A thread is gone with all that lived in it. */
  clear(worker: number): void {
    Atomics.sub(this.#counts, totalAt, Atomics.exchange(this.#counts, firstAt + worker, 0))
  }

  /** Whether `worker` has its share of the processes and not many more, as far as it can be seen from all networks together. */
  isLevel(worker: number, slack: number, share: number): boolean {
    return this.of(worker) <= this.total / share + slack
  }
}
