/**
 * Endpoints hand requests and responses, with streams, to threads of the program. A function whose pool is sealed must
 * not run there, so it can be no endpoint.
 */
import { type EntryId, invalid } from '@troupe/core'
import { isSealed, type PoolSettings } from '@troupe/functions/kernel'

/** Why a function can be no endpoint; `undefined` when it can. */
export function endpointFault(func: EntryId, pool: 'inline' | PoolSettings): string | undefined {
  if (pool === 'inline' || !isSealed(pool)) return undefined
  return `${func} has a sealed pool, and endpoints run in threads of the program: let one that is not sealed call it`
}

/** @throws TroupeError `Invalid` */
export function checkEndpointPool(func: EntryId, pool: 'inline' | PoolSettings): void {
  const fault = endpointFault(func, pool)
  if (fault !== undefined) throw invalid(fault, { func })
}
