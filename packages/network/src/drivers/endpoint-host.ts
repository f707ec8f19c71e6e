/** The host of an endpoint that this machine connects to: a proxy, or the bridge of a router. */
import { TroupeError } from '@troupe/core'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { hostOf } from './target.ts'

/** Names that DNS does not have: only an overlay knows them, and a look-up would tell others of them (RFC 7686). */
const ofOverlays = /\.(?:onion|i2p)\.?$/i

/** Groups of machines, to which there are no connections. */
const groups = new BlockList()
groups.addSubnet('224.0.0.0', 4)
groups.addAddress('255.255.255.255')
groups.addSubnet('ff00::', 8, 'ipv6')

/** Returns why `host` can be the host of no endpoint; `undefined` if it can be. */
export function endpointFault(host: string): string | undefined {
  if (isIP(host) !== 0)
    return groups.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
      ? 'it is the address of a group of machines, to which there are no connections'
      : undefined
  if (host.includes('://')) return 'expected a host name or an address, and not a URL'
  if (/^[^:]*:\d+$/.test(host)) return 'expected a host name or an address; the port has a field of its own'
  try {
    hostOf(host)
    return undefined
  } catch (error) {
    return error instanceof TroupeError ? error.message : String(error)
  }
}

/** Whether only an overlay can find the host. */
export function isOfOverlay(host: string): boolean {
  return ofOverlays.test(host)
}
