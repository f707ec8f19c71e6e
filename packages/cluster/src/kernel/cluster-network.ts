/** The network of the connection to the servers. */
import { type EntryId, invalid } from '@troupe/core'
import type { ClusterConfig } from './link-settings.ts'

/** Returns the overlay; `null`: the clear network. @throws TroupeError `Invalid` when the overlay does not exist. */
export function clusterNetwork(config: ClusterConfig, defaultNetwork: string | undefined, ids: readonly EntryId[]) {
  if (config.servers === 'embedded') return null
  const wanted = config.network === undefined ? (defaultNetwork ?? null) : config.network
  if (wanted === null) return null
  const found = ids.find((each) => each === wanted)
  if (found !== undefined) return found
  throw invalid(`cluster.network: there is no overlay ${wanted}`, { path: 'cluster.network' })
}
