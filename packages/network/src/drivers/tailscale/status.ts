/** Status of a tailnet node, in the terms of all overlays. */
import { TroupeError } from '@troupe/core'
import type { OverlayStatus } from '../../overlay/overlay.ts'
import type { Status } from './sidecar-messages.ts'
import type { TailnetNode } from './node.ts'

/** Messages of the tailnet about a node that gets no updates. */
const outOfTouch = /coordination server|map response/i

/** Returns the status, without secrets; queries the sidecar if it can. */
export async function statusOf(node: TailnetNode): Promise<Omit<OverlayStatus, 'since'>> {
  const { state, error, wish, joined } = node.standing
  const waits = {
    ...(error && { reason: error.message }),
    ...(wish?.type === 'login' && { loginUrl: wish.url }),
    ...(wish?.type === 'approval' && { reason: 'an administrator of the tailnet has to admit it' }),
  }
  if (state !== 'Joined' || joined === undefined) return { state: state === 'Joining' ? 'starting' : 'down', ...waits }
  // The node may end during the query: then it is no longer up.
  const told = await node.status().catch((thrown: unknown) => (thrown instanceof TroupeError ? thrown : undefined))
  if (told instanceof TroupeError && told.kind === 'Timeout') return { state: 'down', reason: told.message }
  if (told === undefined || told instanceof TroupeError || told.state !== 'Running') return { state: 'starting', ...waits }
  const reason = told.health?.join('; ') ?? ''
  return {
    state: outOfTouch.test(reason) ? 'degraded' : 'up',
    name: told.dns_name,
    addresses: told.ips ?? [],
    bytesSent: told.tx,
    bytesReceived: told.rx,
    peers: (told.peers ?? []).map(peerOf),
    ...(reason !== '' && { reason }),
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
