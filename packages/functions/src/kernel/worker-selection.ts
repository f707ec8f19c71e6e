/** Selects workers of a pool, and reports its status. */
import { type EntryId, startTimer, TroupeError } from '@troupe/core'
import type { Network } from '@troupe/process/kernel'
import type { PoolCall } from './pool-call.ts'
import type { PoolStatus } from './pool-options.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Milliseconds that a worker may take to end. In this time after its wire has closed, it reports why it ended. */
export const exitGraceMs = 5000

/** Workers whose threads are being ended. Each counts until its thread is gone, but at most for a grace period. */
export class EndingWorkers {
  readonly #workers = new Set<PoolWorker>()
  /** Those that no longer count. */
  readonly #late = new Set<PoolWorker>()

  get size(): number {
    return this.#workers.size
  }

  /** Returns all workers whose threads are not gone. */
  get all(): Iterable<PoolWorker> {
    return [...this.#workers, ...this.#late]
  }

  /** @param then - Called if the thread has not ended in time: it no longer counts. */
  add(worker: PoolWorker, then: () => void): void {
    this.#workers.add(worker)
    startTimer(() => {
      if (!this.#workers.delete(worker)) return
      this.#late.add(worker)
      then()
    }, exitGraceMs).unref()
  }

  delete(worker: PoolWorker): void {
    this.#workers.delete(worker)
    this.#late.delete(worker)
  }
}

/** Returns a worker whose thread is in that network and idle. */
export function idleIn({ key }: Network, workers: Iterable<PoolWorker>): PoolWorker | undefined {
  for (const worker of workers) if (worker.isIdle && worker.network.key === key) return worker
  return undefined
}

/** Returns the worker that was given a call. */
export function workerOf(call: PoolCall, ...all: readonly Iterable<PoolWorker>[]): PoolWorker | undefined {
  for (const workers of all) for (const worker of workers) if (worker.has(call)) return worker
  return undefined
}

/**
 * Handles the failure of a thread without a worker. It may have failed to start, so that waiting workers would never
 * get a thread: those fail.
 */
export function failUntaken(entry: EntryId, workers: Iterable<PoolWorker>, cause: Error): readonly PoolWorker[] {
  const untaken = [...workers].filter(({ taken }) => !taken)
  const error = new TroupeError('Unavailable', `${entry}: a thread of its pool failed to start: ${cause.message}`, { cause })
  for (const worker of untaken) for (const call of worker.calls) call.reject(error)
  return untaken
}

/** Returns the status of a pool. @param unassigned - Waiting calls that no worker has. */
export function statusOf(entry: EntryId, threads: number, workers: readonly PoolWorker[], unassigned: number): PoolStatus {
  let [running, waiting] = [0, unassigned]
  for (const { size } of workers) {
    running += Math.min(1, size)
    waiting += Math.max(0, size - 1)
  }
  return { entry, threads, networks: new Set(workers.map(({ network }) => network.key)).size, running, waiting }
}
