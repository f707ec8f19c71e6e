/** What policies say about a request, beside its overlay: asked once for each hop, where any are in force. */
import { BlockList, isIP } from 'node:net'
import type { NetworkAccess } from '@troupe/network'
import type { Plan } from './plan.ts'

/** Addresses that are not of the public network (IANA's special-purpose registries, RFC 6890). */
const notPublic = new BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const) {
  notPublic.addSubnet(address, bits, 'ipv4')
}
for (const [address, bits] of [
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  notPublic.addSubnet(address, bits, 'ipv6')
}

/**
 * @throws TroupeError `PermissionDenied` for the URL, for its address when that is written out and private, or for TLS that verifies nothing.
 */
export async function permitted(plan: Plan, url: URL, access: NetworkAccess): Promise<void> {
  if (access.permit === undefined) return
  const target = `${url.origin}${url.pathname}`
  await access.permit('http_client.request', target)
  if (plan.tls?.insecureSkipVerify === true && url.protocol === 'https:') await access.permit('http_client.insecure_tls', target)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(host)
  // A mapped address is checked as the one that it stands for.
  if (family !== 0 && notPublic.check(host, family === 4 ? 'ipv4' : 'ipv6')) await access.permit('http_client.private_ip', host)
}
