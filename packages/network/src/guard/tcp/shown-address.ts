/** The remote address that a socket shows: the target's, not the proxy's. */
import { isIP } from 'node:net'
import type { Target } from '../../overlay/overlay.ts'
import { fakeAddresses, unknownName } from '../dns/fake-addresses.ts'

/**
 * Returns the address of `target`, or for a name the address that stands for it: at once, unless one must be leased
 * first.
 */
export function shownAddress({ host, port }: Target): Target | Promise<Target> {
  if (isIP(host) !== 0) return { host, port }
  const address = fakeAddresses.addressOf(host)
  if (typeof address === 'string') return { host: address, port }
  // No connection fails because there is no address to show.
  return address.catch(() => unknownName).then((found) => ({ host: found, port }))
}
