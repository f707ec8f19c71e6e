/** Addresses that are not of the public network, and how a name is kept from leading to one (rebinding). */
import dns, { type LookupAddress, type LookupOptions } from 'node:dns'
import { asTroupeError, type TroupeError } from '@troupe/core'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** IANA's special-purpose registries (RFC 6890), and what embeds addresses of IPv4 in IPv6. */
const notPublic = new BlockList()
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
  notPublic.addSubnet(address, bits, 'ipv4')
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
  notPublic.addSubnet(address, bits, 'ipv6')
}

/** Whether `host` is an address, written out, that is not public. A mapped address is the one that it stands for. */
export function isPrivateAddress(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return false
  const [address = host] = host.split('%')
  return notPublic.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

/** Asks whether an address that is not public may be dialled. @throws TroupeError `PermissionDenied` */
export type PermitAddress = (address: string) => Promise<void> | undefined

/**
 * Looks names up as Node does, and answers with the addresses that may be dialled. What is answered here is what gets dialled: nobody
 * asks the resolver a second time, who might say something else then.
 */
export function permittedLookup(permit: PermitAddress): LookupFunction {
  return (name, options, done) => void answer(lookup(name, options, permit), options.all === true, done)
}

async function answer(found: Promise<readonly LookupAddress[]>, all: boolean, done: Parameters<LookupFunction>[2]): Promise<void> {
  let addresses: readonly LookupAddress[]
  try {
    addresses = await found
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)), [])
    return
  }
  const [first] = addresses
  if (all || first === undefined) done(null, [...addresses])
  else done(null, first.address, first.family)
}

async function lookup(name: string, options: LookupOptions, permit: PermitAddress): Promise<LookupAddress[]> {
  const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>()
  dns.lookup(name, { ...options, all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)))
  const allowed: LookupAddress[] = []
  let denial: TroupeError | undefined
  for (const each of await promise) {
    try {
      if (isPrivateAddress(each.address)) await permit(each.address)
      allowed.push(each)
    } catch (error) {
      denial = asTroupeError(error)
    }
  }
  if (allowed.length === 0 && denial !== undefined) throw denial
  return allowed
}
