/** The connection to the servers of the cluster. */
import { TroupeError, unavailable } from '@troupe/core'
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import type { LinkSettings } from '../settings.ts'
import { inboxOf } from '../subjects.ts'
import { serverIdentity } from './server-identity.ts'

const leastVersion = [2, 14] as const
const connectTime = 5_000

/**
 * Connects, and reconnects without limit: after `pingInterval` × `maxPingOut` of silence too.
 *
 * @throws TroupeError `Unavailable` when no server can be reached; `PermissionDenied`, final, when the servers refuse
 *   the credentials; `Invalid`, final, for a server that is too old.
 */
export async function openConnection(settings: LinkSettings): Promise<NatsConnection> {
  const { servers, tls, isOverlay } = settings
  // The client passes these options to Node.
  const secured = tls && {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    checkServerIdentity: serverIdentity(servers),
  }
  const connection = await connect({
    // The scheme alone does not make the client require TLS.
    servers: servers.map((server) => server.replace(/^(?:nats|tls):\/\//, '')),
    ...(secured && { tls: secured }),
    authenticator: authenticatorOf(settings.login),
    name: `troupe ${settings.cluster} ${settings.node}`,
    // No other node may listen there: see nodePermissions.
    inboxPrefix: inboxOf(settings.cluster, settings.node),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    pingInterval: 1_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    timeout: connectTime,
    // Names are resolved at the far end of an overlay.
    resolve: !isOverlay,
    // Addresses that a server names might lead elsewhere, without TLS.
    ignoreClusterUpdates: isOverlay || tls === undefined,
  }).catch((cause: unknown) => {
    throw connectError(cause, servers)
  })
  const version = connection.info?.version ?? '0'
  if (!isOld(version)) return connection
  await connection.close()
  throw new TroupeError(
    'Invalid',
    `cluster.servers: ${connection.getServer()} is nats-server ${version}; it needs ${leastVersion.join('.')} or later`,
    { retryable: false, details: { version } },
  )
}

/** Returns the error without the client's own, which may contain more than it should. */
function connectError(cause: unknown, servers: readonly string[]): TroupeError {
  const list = servers.join(', ')
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError)
    return new TroupeError('PermissionDenied', `cluster.credentials: the servers refuse them (${reason})`, {
      retryable: false,
    })
  return unavailable(`cluster.servers: none of ${list} can be used: ${reason}`, { servers: list })
}

export function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < leastVersion[0] || (major === leastVersion[0] && minor < leastVersion[1])
}

function authenticatorOf(login: LinkSettings['login']): Authenticator[] {
  const encoder = new TextEncoder()
  switch (login.type) {
    case 'none':
      return []
    case 'password':
      return [usernamePasswordAuthenticator(login.user, login.password)]
    case 'seed':
      return [nkeyAuthenticator(encoder.encode(login.text.trim()))]
    default:
      return [credsAuthenticator(encoder.encode(login.text))]
  }
}
