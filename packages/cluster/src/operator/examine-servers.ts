/** Examines whether the servers can carry the cluster. */
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { asTroupeError } from '@troupe/core'
import { openConnection } from '../link/connection.ts'
import { NodesBucket } from '../link/nodes-bucket.ts'
import type { LinkSettings } from '../settings.ts'
import { nodesBucketOf } from '../subjects.ts'

const answerTime = 5_000

export interface ServerFinding {
  readonly severity: 'ok' | 'warning' | 'error'
  readonly check: string
  readonly message: string
  readonly remedy?: string
}

/**
 * Connects to each server, and opens the bucket of the nodes at one of them, which makes it if there is none: as a node
 * does when it joins. Does not join.
 */
export async function examineServers(settings: LinkSettings): Promise<readonly ServerFinding[]> {
  const reached = await Promise.all(settings.servers.map(async (server) => examineServer(settings, server)))
  const findings = reached.map(({ finding }) => finding)
  const [first, ...others] = reached.flatMap(({ connection }) => connection ?? [])
  await Promise.all(others.map(async (connection) => connection.close()))
  if (first === undefined) return findings
  try {
    return [...findings, ...(await examineStreams(first, settings))]
  } finally {
    await first.close()
  }
}

async function examineServer(settings: LinkSettings, server: string) {
  try {
    const connection = await openConnection({ ...settings, servers: [server] })
    const version = connection.info?.version ?? 'of an unknown version'
    const finding: ServerFinding = { severity: 'ok', check: 'server', message: `${server} is nats-server ${version}` }
    return { connection, finding }
  } catch (error) {
    const { kind, message } = asTroupeError(error)
    const finding: ServerFinding = { severity: 'error', check: 'server', message, remedy: remedyOf(kind) }
    return { finding }
  }
}

function remedyOf(kind: string): string {
  if (kind === 'PermissionDenied')
    return 'name the key of this node in cluster.credentials, and its public half in the configuration of the servers'
  if (kind === 'Invalid') return 'update the server'
  return 'start the server, or correct cluster.servers and cluster.tls'
}

async function examineStreams(connection: NatsConnection, settings: LinkSettings): Promise<readonly ServerFinding[]> {
  const { cluster, replicas } = settings
  const name = nodesBucketOf(cluster)
  try {
    await (await jetstreamManager(connection)).getAccountInfo()
  } catch (error) {
    return [
      {
        severity: 'error',
        check: 'jetstream',
        message: `JetStream cannot be used with these credentials: ${asTroupeError(error).message}`,
        remedy: 'set "jetstream" in the configuration of each server, and "jetstream: enabled" in the account',
      },
    ]
  }
  const works: ServerFinding = { severity: 'ok', check: 'jetstream', message: 'JetStream works' }
  try {
    const bucket = await NodesBucket.open(connection, { cluster, replicas, timeout: answerTime })
    const absent = await bucket.absentReplicas()
    const message = `the bucket ${name} has ${replicas === 1 ? '1 replica' : `${replicas} replicas`}`
    if (absent.length === 0) return [works, { severity: 'ok', check: 'bucket', message }]
    return [
      works,
      {
        severity: 'warning',
        check: 'bucket',
        message: `${message}, of which ${absent.join(', ')} ${absent.length === 1 ? 'does' : 'do'} not follow`,
        remedy: 'start these servers, or wait until they have caught up',
      },
    ]
  } catch (error) {
    const { message, kind } = asTroupeError(error)
    const remedy =
      kind === 'Invalid'
        ? 'set cluster.replicas to 1 with one server, or start three; change the bucket with "nats stream edit"'
        : 'wait until the servers have elected a leader, which takes seconds'
    return [works, { severity: 'error', check: 'bucket', message, remedy }]
  }
}
