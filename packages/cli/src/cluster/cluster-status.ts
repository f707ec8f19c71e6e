/** `troupe cluster status`. */
import type { ListedNode } from '@troupe/cluster/operator'
import { TroupeError } from '@troupe/core'
import type { Loaded, ObservedCluster } from 'troupe/app'
import { attach } from '../attach/client.ts'
import { age } from '../attach/views.ts'
import type { ClusterOptions } from '../invocation.ts'
import { formatTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { type ClusterConfig, requireClear } from './require-clear.ts'

/** Prints the nodes: as the application sees them while it runs, otherwise from their records on the servers. */
export async function clusterStatus(
  options: ClusterOptions,
  loaded: Loaded,
  cluster: ClusterConfig,
  terminal: Terminal,
): Promise<number> {
  const running = await runningCluster(options, loaded)
  if (running !== undefined) {
    if (options.json || terminal.isTerminal === false) terminal.out(JSON.stringify(running, undefined, 2))
    else terminal.out(clusterText(running, Date.now()))
    return 0
  }
  if (cluster.servers === 'embedded') {
    terminal.err('the application does not run, and its server runs only with it: start it with "troupe run"')
    return 1
  }
  await requireClear(loaded, cluster)
  const { listNodes, linkSettings } = await import('@troupe/cluster/operator')
  const nodes = await listNodes(linkSettings(cluster, false, undefined))
  if (options.json || terminal.isTerminal === false) terminal.out(JSON.stringify({ nodes }, undefined, 2))
  else terminal.out(recordTable(nodes, Date.now()))
  return 0
}

/** Returns nothing where no application of the folder runs. */
async function runningCluster({ pid }: ClusterOptions, { config }: Loaded): Promise<ObservedCluster | undefined> {
  try {
    const client = await attach(config.networkService.stateDir, pid)
    return (await client.observe({ processes: 0, connections: 0 })).cluster
  } catch (error) {
    if (pid === undefined && error instanceof TroupeError && error.kind === 'NotFound') return undefined
    throw error
  }
}

/** A running application's cluster, for people. */
export function clusterText({ name, node, state, since, server, trouble, nodes }: ObservedCluster, at: number): string {
  const where = server === undefined ? '' : `, by ${server}`
  const lines = [`cluster ${name}: node ${node} is ${state} for ${age(since, at)}${where}`]
  if (trouble !== undefined) lines.push(`${trouble.kind}: ${trouble.message}`)
  const rows = nodes.map((each) => [each.node, String(each.incarnation), 'member', age(each.since, at)])
  return [...lines, formatTable(['NODE', 'INCARNATION', 'STATE', 'FOR'], rows)].join('\n')
}

/** The records of all nodes, for people. An alive node renews its record. */
export function recordTable(nodes: readonly ListedNode[], at: number): string {
  return formatTable(
    ['NODE', 'INCARNATION', 'STATE', 'LAST RECORD', 'BY'],
    nodes.map(({ node, incarnation, state, writtenAt, by }) => [
      node,
      String(incarnation),
      state,
      `${age(writtenAt, at)} ago`,
      by ?? '-',
    ]),
  )
}
