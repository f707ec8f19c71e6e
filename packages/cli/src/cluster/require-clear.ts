/** Commands of the cluster that connect to its servers. */
import { TroupeError } from '@troupe/core'
import type { Loaded } from 'troupe/app'

export type ClusterConfig = NonNullable<Loaded['config']['cluster']>

/**
 * Checks that this command may connect to the servers.
 *
 * @throws TroupeError `Unavailable`, final, where the servers are reached through an overlay, which this command does
 *   not open.
 */
export async function requireClear({ config, registry }: Loaded, cluster: ClusterConfig): Promise<void> {
  const { clusterNetwork } = await import('@troupe/cluster/operator')
  const overlays = registry.find({ kind: 'network.*' }).map(({ id }) => id)
  const network = clusterNetwork(cluster, config.networkService.defaultNetwork, overlays)
  if (network === null) return
  throw new TroupeError(
    'Unavailable',
    `cluster.network: the servers are reached through ${network}, and this command connects in the clear only, so it ` +
      'does not connect; "troupe cluster status" shows the cluster while the application runs',
    { retryable: false, details: { network } },
  )
}
