/** What a socket shows as its far end: the target, not the proxy. */
import { isIP } from 'node:net'
import type { Target } from '../../overlay/overlay.ts'
import { fakeAddresses, unknownName } from '../dns/fake-addresses.ts'

/** The address of `target`, or for a name the one that stands for it: at once, unless one has to be leased first. */
export function shownAddress({ host, port }: Target): Target | Promise<Target> {
  if (isIP(host) !== 0) return { host, port }
  const address = fakeAddresses.addressOf(host)
  if (typeof address === 'string') return { host: address, port }
  // No connection fails for want of an address to show.
  return address.catch(() => unknownName).then((found) => ({ host: found, port }))
}
