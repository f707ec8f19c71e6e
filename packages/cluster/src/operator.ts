/** The cluster as its operator sees it, without an application: examined, listed, and given credentials. */
export { examineServers, type ServerFinding } from './operator/examine-servers.ts'
export { type ListedNode, listNodes } from './operator/list-nodes.ts'
export { accountText, makeNodeKey, type NodeKey } from './operator/node-key.ts'
export { linkSettings } from './kernel/link-settings.ts'
export { clusterNetwork } from './kernel/cluster-network.ts'
