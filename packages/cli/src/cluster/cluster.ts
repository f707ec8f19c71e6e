/** `troupe cluster check | status | credentials NODE`. */
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
  const [name, node, ...more] = operands
  if (name !== 'check' && name !== 'status' && name !== 'credentials')
    throw new UsageError('"troupe cluster" takes check, status, or credentials and the name of a node')
  if (monitors.length > 0 && name !== 'check') throw new UsageError('--monitor belongs to "troupe cluster check"')
  if (out !== undefined && name !== 'credentials')
    throw new UsageError('--out belongs to "troupe types" and "troupe cluster credentials"')
  if (options.pid !== undefined && name !== 'status') throw new UsageError('--pid belongs to "troupe cluster status"')
  if (more.length > 0 || (name === 'credentials') !== (node !== undefined))
    throw new UsageError(
      name === 'credentials'
        ? '"troupe cluster credentials" takes the name of one node'
        : `"troupe cluster ${name}" takes no "${node}"; --root names another application`,
    )
  const loaded = await load(options)
  const { cluster } = loaded.config
  if (cluster === undefined)
    throw invalid('cluster: this application has no section "cluster": add one to .troupe.yaml, or set --root')
  if (node !== undefined) return writeCredentials({ options, cluster, node }, terminal)
  return name === 'check'
    ? checkCluster(options, loaded, cluster, terminal)
    : clusterStatus(options, loaded, cluster, terminal)
}
