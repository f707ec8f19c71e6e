/** Looks at the workers of a pool. */
import { type EntryId, startTimer, TroupeError } from '@troupe/core'
import type { Network } from '@troupe/process/kernel'
import type { PoolCall } from './pool-call.ts'
import type { PoolStatus } from './pool-options.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Milliseconds that a worker may take to end. Once its wire has closed, it tells then why it did. */
export const exitGraceMs = 5000

/** Workers whose threads are being ended: each counts until its thread is gone. One that does not end holds nobody up for long. */
export class EndingWorkers {
  readonly #workers = new Set<PoolWorker>()
  /** Those that count no more. */
  readonly #late = new Set<PoolWorker>()

  get size(): number {
    return this.#workers.size
  }

  /** All whose threads are not gone. */
  get all(): Iterable<PoolWorker> {
    return [...this.#workers, ...this.#late]
  }

  /** @param then - Called if the thread has not ended in time: it counts no more. */
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

/** One whose thread is in that network and has nothing to do. */
export function idleIn({ key }: Network, workers: Iterable<PoolWorker>): PoolWorker | undefined {
  for (const worker of workers) if (worker.isIdle && worker.network.key === key) return worker
  return undefined
}

/** The one that was given a call. */
export function workerOf(call: PoolCall, ...all: readonly Iterable<PoolWorker>[]): PoolWorker | undefined {
  for (const workers of all) for (const worker of workers) if (worker.has(call)) return worker
  return undefined
}

/** A thread failed that worked for nobody. If it failed to start, whoever waits for it would wait for ever: those workers fail. */
export function failUntaken(entry: EntryId, workers: Iterable<PoolWorker>, cause: Error): readonly PoolWorker[] {
  const untaken = [...workers].filter(({ taken }) => !taken)
  const error = new TroupeError('Unavailable', `${entry}: a thread of its pool failed to start: ${cause.message}`, { cause })
  for (const worker of untaken) for (const call of worker.calls) call.reject(error)
  return untaken
}

/** A pool as it shows. @param unassigned - Calls that wait and were given to no worker. */
export function statusOf(entry: EntryId, threads: number, workers: readonly PoolWorker[], unassigned: number): PoolStatus {
  let [running, waiting] = [0, unassigned]
  for (const { size } of workers) {
    running += Math.min(1, size)
    waiting += Math.max(0, size - 1)
  }
  return { entry, threads, networks: new Set(workers.map(({ network }) => network.key)).size, running, waiting }
}
