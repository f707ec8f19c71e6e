/** `troupe cluster check`. */
import type { ServerFinding } from '@troupe/cluster/operator'
import { escapedLines, type Loaded } from 'troupe/app'
import type { ClusterOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { type ClusterConfig, requireClear } from './require-clear.ts'
import { examineDurability } from './examine-durability.ts'

/** Prints whether the servers can carry the cluster. The status is 1 if there is an error. */
export async function checkCluster(
  options: ClusterOptions,
  loaded: Loaded,
  cluster: ClusterConfig,
  terminal: Terminal,
): Promise<number> {
  const findings = await findingsOf(options, loaded, cluster)
  if (options.json || terminal.isTerminal === false) terminal.out(JSON.stringify(findings, undefined, 2))
  else for (const finding of findings) terminal.out(textOf(finding))
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0
}

async function findingsOf(
  { monitors }: ClusterOptions,
  loaded: Loaded,
  cluster: ClusterConfig,
): Promise<readonly ServerFinding[]> {
  if (cluster.servers === 'embedded')
    return [
      {
        severity: 'ok',
        check: 'server',
        message: 'the application starts a server of its own, which writes each message to the disk at once',
      },
    ]
  await requireClear(loaded, cluster)
  const { examineServers, linkSettings } = await import('@troupe/cluster/operator')
  const found = await examineServers(linkSettings(cluster, false, undefined))
  return [...found, ...(await examineDurability(monitors))]
}

function textOf({ severity, check, message, remedy }: ServerFinding): string {
  const line = `${severity.padEnd(7)}  ${check}: ${message}`
  return escapedLines(remedy === undefined ? line : `${line}\n         remedy: ${remedy}`)
}
