/** How the threads of a pool are shared by networks. */
import { type EntryId, TroupeError, unavailable } from '@troupe/core'
import { describeNetwork, type Network } from '@troupe/process/kernel'
import type { CallQueue } from './call-queue.ts'
import type { PoolSettings } from '../kinds.ts'
import type { PoolWorker } from './pool-worker.ts'

/**
 * Milliseconds that calls wait for a network without a thread, while threads of others go from call to call; then one of those gives way. As
 * long a thread goes from call to call at least: it is not started for one.
 */
export const fairWait = 50

/** Networks that calls wait for and that have no thread, beyond those for which a thread gives way already. */
export function withoutWorker(waiting: CallQueue, workers: Iterable<PoolWorker>, leaving: number): readonly Network[] {
  if (waiting.size === 0) return []
  const seated = new Set(Array.from(workers, ({ network }) => network.key))
  return waiting.networks.filter(({ key }) => !seated.has(key)).slice(leaving)
}

/** Whether a network without a thread has waited so long that the thread of `workerModule` is to give way. */
export function isOwed(worker: PoolWorker, waiting: CallQueue, workers: Iterable<PoolWorker>, leaving: number): boolean {
  // The common case: nothing waits but calls of this thread's own network.
  if (waiting.size === waiting.count(worker.network)) return false
  const now = performance.now()
  if (now - worker.servingSince < fairWait) return false
  return withoutWorker(waiting, workers, leaving).some(
    (network) => network.key !== worker.network.key && now - waiting.waitingSince(network) >= fairWait,
  )
}

/**
 * @param known - Networks that have threads of the pool, or calls that wait for one.
 * @throws TroupeError `RateLimited` when the pool has as many isolation keys as it may.
 */
export function checkIsolation(entry: EntryId, { maxIsolationKeys }: PoolSettings, network: Network, known: readonly Network[]): void {
  const keys = new Set(known.filter(({ isolation }) => isolation !== undefined).map(({ key }) => key))
  if (keys.has(network.key) || keys.size < maxIsolationKeys) return
  throw new TroupeError(
    'RateLimited',
    `${entry}: its pool has ${keys.size} isolation keys of ${describeNetwork(network)} in use already (max_isolation_keys)`,
    { details: { entry, overlay: network.overlay, maxIsolationKeys } },
  )
}

/** Rejects the calls that wait for networks which are not current any more. */
export function rejectStale(entry: EntryId, waiting: CallQueue, isCurrent: (network: Network) => boolean): void {
  for (const network of waiting.networks.filter((candidate) => !isCurrent(candidate))) {
    const { overlay } = network
    const error = unavailable(`${entry}: ${describeNetwork(network)} was replaced or deleted while the call waited`, { entry, overlay })
    for (const call of waiting.take(network, waiting.count(network))) {
      call.unwatch()
      call.reject(error)
    }
  }
}
