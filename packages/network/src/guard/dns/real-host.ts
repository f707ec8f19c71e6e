/**
 * The real host behind a `connect` target: a name, an address, or an address that stands for a name; and the address
 * that a socket shows for it.
 */
import { isIP } from 'node:net'
import { invalid } from '@troupe/core'
import { applicationAccess } from '../../dial/network-access.ts'
import type { Target } from '../../overlay/overlay.ts'
import { fakeAddresses, fakeNumberOf, unknownName } from './fake-addresses.ts'
import { standsForName } from '../errors.ts'

/**
 * Returns `host` in the form that an overlay may get: the name behind an address that stands for one, in whatever
 * notation; other hosts are unchanged.
 *
 * @throws TroupeError `Invalid` for an address that stands for a name which this thread does not know, or no longer
 *   knows.
 */
export function realHost(host: string): string {
  const number = fakeNumberOf(host)
  if (number === undefined) return host
  const name = fakeAddresses.nameOf(number)
  if (name !== undefined) return name
  throw invalid(
    `${host} stands for a name that was looked up in another thread, or too long ago, so its name is not known here. ` +
      'Pass the name on in place of the address, or look it up again',
    { host },
  )
}

/** Applies {@link realHost} to a target. */
export function realTarget({ host, port }: Target): Target {
  return { host: realHost(host), port }
}

/**
 * Returns the remote address that a socket to `target` shows, which is not the proxy's. For a name it is the address
 * that stands for it: at once, unless one must be leased first.
 */
export function shownAddress({ host, port }: Target): Target | Promise<Target> {
  if (isIP(host) !== 0) return { host, port }
  const address = fakeAddresses.addressOf(host)
  if (typeof address === 'string') return { host: address, port }
  // No connection fails because there is no address to show.
  return address.catch(() => unknownName).then((found) => ({ host: found, port }))
}

/**
 * Rejects if `host` is an address that stands for a name of an overlay, because the clear network cannot reach it.
 * Returns `undefined` at once for every other host.
 */
export function refuseFakeAddress(host: string): Promise<void> | undefined {
  const number = fakeNumberOf(host)
  if (number === undefined) return undefined
  const leased =
    fakeAddresses.nameOf(number) === undefined ? applicationAccess()?.isAddressLeased?.(number) : Promise.resolve(true)
  return leased?.then((stands) => {
    if (stands) throw standsForName(host)
  })
}
