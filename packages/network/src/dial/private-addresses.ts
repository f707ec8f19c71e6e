/**
 * Addresses outside the public network: IANA's special-purpose registries (RFC 6890), and IPv6 formats that embed IPv4
 * addresses.
 */
import { BlockList, isIP } from 'node:net'

const special = new BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(address, bits, 'ipv4')
}
for (const [address, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  special.addSubnet(address, bits, 'ipv6')
}

/**
 * Whether an IP address is private, local, or of another special purpose. A mapped address counts as the address that
 * it embeds.
 */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  const known = verdicts.get(address)
  if (known !== undefined) return known
  // The zone is not part of the address.
  const [plain = address] = address.split('%')
  const verdict = special.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  if (verdicts.size >= mostVerdicts) verdicts.clear()
  verdicts.set(address, verdict)
  return verdict
}

/** A look-up in the list creates native objects, and the same few addresses are checked repeatedly. */
const verdicts = new Map<string, boolean>()
const mostVerdicts = 256
