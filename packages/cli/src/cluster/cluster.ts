/** `troupe cluster check | status | credentials NODE...`. */
import { invalid } from '@troupe/core'
import { load } from 'troupe/app'
import type { ClusterOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { checkCluster } from './check-cluster.ts'
import { clusterStatus } from './cluster-status.ts'
import { writeCredentials } from './write-credentials.ts'

/** Carries out such a command, and returns the exit status. */
export async function clusterCommand(options: ClusterOptions, terminal: Terminal): Promise<number> {
  const { operands, out, monitors } = options
  const [name, ...nodes] = operands
  if (name !== 'check' && name !== 'status' && name !== 'credentials')
    throw new UsageError('"troupe cluster" takes check, status, or credentials and the names of nodes')
  if (monitors.length > 0 && name !== 'check') throw new UsageError('--monitor belongs to "troupe cluster check"')
  if (out !== undefined && name !== 'credentials')
    throw new UsageError('--out belongs to "troupe types" and "troupe cluster credentials"')
  if (options.pid !== undefined && name !== 'status') throw new UsageError('--pid belongs to "troupe cluster status"')
  if (name === 'credentials' && nodes.length === 0)
    throw new UsageError('"troupe cluster credentials" takes the names of nodes')
  if (out !== undefined && nodes.length > 1)
    throw new UsageError('--out takes the key of one node, and several are named')
  if (name !== 'credentials' && nodes.length > 0)
    throw new UsageError(`"troupe cluster ${name}" takes no "${nodes[0]}"; --root names another application`)
  const loaded = await load(options)
  const { cluster } = loaded.config
  if (cluster === undefined)
    throw invalid('cluster: this application has no section "cluster": add one to .troupe.yaml, or set --root')
  if (name === 'credentials') return writeCredentials({ options, cluster, nodes }, terminal)
  return name === 'check'
    ? checkCluster(options, loaded, cluster, terminal)
    : clusterStatus(options, loaded, cluster, terminal)
}
