/** The cluster on the kernel's side. Loaded only by applications with a section `cluster`. */
export { Cluster, type ClusterOptions } from './kernel/cluster.ts'
export { clusterNetwork } from './kernel/cluster-network.ts'
export { type ClusterEvent, type ClusterState, type ClusterView, nodeChannel } from './kernel/cluster-view.ts'
export type { ClusterConfig } from './kernel/link-settings.ts'
export type { ReportedNode } from './protocol.ts'
