/** Trusted proxies, and the client addresses that they report. */
import { BlockList, isIP } from 'node:net'
import { plainAddress } from './client-address.ts'

/** Returns a function that checks whether an address is in one of the networks: `10.0.0.0/8`, or addresses. */
export function networks(list: readonly string[]): (address: string) => boolean {
  const block = new BlockList()
  for (const network of list) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) block.addAddress(address, family)
    else block.addSubnet(address, Number(prefix), family)
  }
  return (address) => isIP(address) !== 0 && block.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Returns the last address that does not belong to a trusted proxy. Each proxy appends the address of its client, and
 * anyone may have written the entries before those.
 *
 * @param header The header, if present.
 */
export function addressBehind(
  peer: string | undefined,
  header: string | null,
  isProxy: (address: string) => boolean,
): string | undefined {
  if (peer === undefined) return undefined
  let client = plainAddress(peer)
  const hops = header?.split(',').toReversed() ?? []
  for (const hop of hops) {
    if (!isProxy(client)) return client
    const next = plainAddress(withoutPort(hop.trim()))
    // An entry that is not an address ends the trusted part.
    if (isIP(next) === 0) return client
    client = next
  }
  return client
}

/** Some proxies write `[2001:db8::1]:4711` and `192.0.2.1:4711`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop
}
