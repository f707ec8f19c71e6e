/** Shares the threads of a pool between networks. */
import { type EntryId, TroupeError, unavailable } from '@troupe/core'
import { describeNetwork, type Network } from '@troupe/process/kernel'
import type { CallQueue } from './call-queue.ts'
import type { PoolSettings } from '../kinds.ts'
import type { PoolWorker } from './pool-worker.ts'

/**
 * Milliseconds that calls wait for a network without a thread, while threads of other networks are busy with call after
 * call. After that, one of those threads gives way. A busy thread runs for at least this time, so that no thread is
 * started for one call.
 */
export const fairWait = 50

/** Returns networks that calls wait for and that have no thread, beyond those for which a thread already gives way. */
export function withoutWorker(waiting: CallQueue, workers: Iterable<PoolWorker>, leaving: number): readonly Network[] {
  if (waiting.size === 0) return []
  const seated = new Set(Array.from(workers, ({ network }) => network.key))
  return waiting.networks.filter(({ key }) => !seated.has(key)).slice(leaving)
}

/** Returns whether a network without a thread has waited so long that the thread of `worker` must give way. */
export function isOwed(
  worker: PoolWorker,
  waiting: CallQueue,
  workers: Iterable<PoolWorker>,
  leaving: number,
): boolean {
  // The common case: only calls of this thread's own network wait.
  if (waiting.size === waiting.count(worker.network)) return false
  const now = performance.now()
  if (now - worker.servingSince < fairWait) return false
  return withoutWorker(waiting, workers, leaving).some(
    (network) => network.key !== worker.network.key && now - waiting.waitingSince(network) >= fairWait,
  )
}

/**
 * @param known - Networks that have threads of the pool, or calls that wait for one.
 * @throws TroupeError `RateLimited` when the pool already uses its maximum number of isolation keys.
 */
export function checkIsolation(
  entry: EntryId,
  { maxIsolationKeys }: PoolSettings,
  network: Network,
  known: readonly Network[],
): void {
  const keys = new Set(known.filter(({ isolation }) => isolation !== undefined).map(({ key }) => key))
  if (keys.has(network.key) || keys.size < maxIsolationKeys) return
  throw new TroupeError(
    'RateLimited',
    `${entry}: its pool has ${keys.size} isolation keys of ` +
      `${describeNetwork(network)} in use already (max_isolation_keys)`,
    { details: { entry, overlay: network.overlay, maxIsolationKeys } },
  )
}

/** Rejects the calls that wait for networks which are no longer current. */
export function rejectStale(entry: EntryId, waiting: CallQueue, isCurrent: (network: Network) => boolean): void {
  for (const network of waiting.networks.filter((candidate) => !isCurrent(candidate))) {
    const { overlay } = network
    const error = unavailable(`${entry}: ${describeNetwork(network)} was replaced or deleted while the call waited`, {
      entry,
      overlay,
    })
    for (const call of waiting.take(network, waiting.count(network))) {
      call.unwatch()
      call.reject(error)
    }
  }
}
