/**
 * Direct connections for the HTTP client, which sends single requests in the clear network from threads of overlays,
 * where that was granted. They use the clear network whatever the network of the thread is. In sealed threads the
 * kernel opens them.
 */
import { asTroupeError } from '@troupe/core'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction, NetConnectOpts, Socket } from 'node:net'
import { dialerOfKernel } from '../../sealed/kernel-driver.ts'
import { isSealed } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { unguardedLookup } from '../dns/lookup.ts'
import { connectPlain, systemLookup } from '../../sockets/own-sockets.ts'
import { refuseFakeAddress } from '../dns/real-host.ts'

/** Returns a socket that is connecting in the clear network. No policies are checked. */
export async function connectOutside(options: NetConnectOpts): Promise<Socket> {
  if ('host' in options && options.host !== undefined) await refuseFakeAddress(options.host)
  return connectPlain(options)
}

/** Resolves names in the clear network. */
export const lookupInTheClear: LookupFunction = (name, options, done) => {
  if (isSealed()) void lookupByKernel(name, options, done)
  else if (threadOverlay() === null) unguardedLookup()(name, options, done)
  else systemLookup(name, options, done)
}

async function lookupByKernel(...[name, { family }, done]: Parameters<LookupFunction>): Promise<void> {
  let found: LookupAddress[]
  try {
    const wanted = family === 6 || family === 'IPv6' ? 6 : family === 4 || family === 'IPv4' ? 4 : 0
    const answer = await dialerOfKernel().resolve(name, wanted)
    found = answer.map(({ address, family: kind }) => ({ address, family: kind }))
  } catch (error) {
    done(asTroupeError(error), [])
    return
  }
  done(null, found)
}
