/** Makes the application a node of its cluster. Loads nothing of it without the section `cluster`. */
import type { Cluster } from '@troupe/cluster/kernel'
import type { Kernel, ServiceSupervisor } from '@troupe/process/kernel'
import { jobsLink } from '@troupe/queue/kernel'
import type { AppConfig } from '@troupe/registry'

export interface ClusterParts {
  readonly config: AppConfig
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
}

/** Joins, if the application belongs to a cluster. Throws what ends the start of the application. */
export async function joinCluster({ config, kernel, supervisor }: ClusterParts): Promise<Cluster | undefined> {
  const { cluster, networkService } = config
  if (cluster === undefined) return undefined
  const { Cluster: Started, clusterNetwork } = await import('@troupe/cluster/kernel')
  const overlays = kernel.registry.find({ kind: 'network.*' }).map(({ id }) => id)
  const network = clusterNetwork(cluster, networkService.defaultNetwork, overlays)
  if (network !== null)
    await supervisor.start(network).catch((error: unknown) => {
      kernel.note('the overlay of the cluster does not work', { level: 'warn', overlay: network, error })
    })
  const log = kernel.note.bind(kernel)
  const { stateDir } = networkService
  return Started.start({ kernel, config: cluster, network, stateDir, extensions: [jobsLink], log })
}
