/** Status of a tailnet node, in the terms of all overlays. */
import { TroupeError } from '@troupe/core'
import type { OverlayStatus } from '../../overlay/overlay.ts'
import type { Status } from './sidecar-messages.ts'
import type { TailnetNode } from './node.ts'

/** Messages of the tailnet about a node that gets no updates. */
const outOfTouch = /coordination server|map response/i

/**
 * Returns the status, without secrets; queries the sidecar if it can.
 *
 * @param probe - Test the way to the tailnet before; otherwise the result of the last test counts.
 */
export async function statusOf(node: TailnetNode, probe = false): Promise<Omit<OverlayStatus, 'since'>> {
  const { state, error, wish, joined } = node.standing
  const waits = {
    ...(error && { reason: error.message }),
    ...(wish?.type === 'login' && { loginUrl: wish.url }),
    ...(wish?.type === 'approval' && { reason: 'an administrator of the tailnet has to admit it' }),
  }
  if (state !== 'Joined' || joined === undefined) return { state: state === 'Joining' ? 'starting' : 'down', ...waits }
  // The node may end during the query: then it is no longer up.
  const current = await node
    .status(probe)
    .catch((thrown: unknown) => (thrown instanceof TroupeError ? thrown : undefined))
  if (current instanceof TroupeError && current.kind === 'Timeout') return { state: 'down', reason: current.message }
  if (current === undefined || current instanceof TroupeError || current.state !== 'Running')
    return { state: 'starting', ...waits }
  const reason = reasonOf(current)
  return {
    state: current.reach === 'nothing' ? 'down' : isInTouch(current) ? 'up' : 'degraded',
    name: current.dns_name,
    addresses: current.ips ?? [],
    bytesSent: current.tx,
    bytesReceived: current.rx,
    peers: (current.peers ?? []).map(peerOf),
    ...(reason !== '' && { reason }),
  }
}

function isInTouch({ reach, health }: Status): boolean {
  return reach !== 'part' && !outOfTouch.test(health?.join('; ') ?? '')
}

function reasonOf({ reach, fault = '', health }: Status): string {
  switch (reach) {
    case 'nothing':
      return `neither the coordination server nor a peer is reached: ${fault}`
    case 'part':
      return `it has no contact to its coordination server: ${fault}`
    default:
      return health?.join('; ') ?? ''
  }
}

function peerOf({ dns_name: name, ips, online, path, relay, rx, tx }: NonNullable<Status['peers']>[number]) {
  return {
    name,
    addresses: ips,
    online,
    path: path === 'relay' ? ('relayed' as const) : path,
    ...(path === 'relay' && relay !== undefined && relay !== '' && { relay }),
    bytesSent: tx,
    bytesReceived: rx,
  }
}
