/**
 * The number of processes in each thread of a `shared` host, in shared memory, so that a thread can start a process by
 * itself and all threads see it.
 */
import { availableParallelism } from 'node:os'

const totalAt = 0
const firstAt = 1

/** Default number of threads of a `shared` host. */
export const defaultWorkers = availableParallelism()

export class ProcessCounts {
  readonly buffer: SharedArrayBuffer
  readonly #counts: Int32Array
  readonly #max: number

  /** @param max Maximum number of processes in the whole host. */
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

  /** Counts one more process; returns false when the host is full. */
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

  /** A thread has ended with all its processes. */
  clear(worker: number): void {
    Atomics.sub(this.#counts, totalAt, Atomics.exchange(this.#counts, firstAt + worker, 0))
  }

  /** Whether `worker` has not many more processes than its share, as far as this is visible across all networks. */
  isLevel(worker: number, slack: number, share: number): boolean {
    return this.of(worker) <= this.total / share + slack
  }
}
