/** Prevents a name from leading to an address that is not public (rebinding). */
import type { LookupAddress, LookupOptions } from 'node:dns'
import { asTroupeError, type TroupeError } from '@troupe/core'
import type { LookupFunction } from 'node:net'
import { isPrivateAddress } from '@troupe/network'
import { lookupInTheClear } from '@troupe/network/driver'

/** Returns the host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

/** Checks whether an address that is not public may be dialled. @throws TroupeError `PermissionDenied` */
export type PermitAddress = (address: string) => Promise<void> | undefined

/**
 * Looks names up as Node does, and returns the addresses that may be dialled. Exactly these addresses are dialled: the
 * resolver is not asked a second time, when it could return other ones.
 */
export function permittedLookup(permit: PermitAddress): LookupFunction {
  return (name, options, done) => void answer(lookup(name, options, permit), options.all === true, done)
}

async function answer(
  found: Promise<readonly LookupAddress[]>,
  all: boolean,
  done: Parameters<LookupFunction>[2],
): Promise<void> {
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
  lookupInTheClear(name, { ...options, all: true }, (error, found) => {
    if (error === null && Array.isArray(found)) resolve(found)
    else reject(error)
  })
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
