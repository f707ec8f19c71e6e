/** Sockets and queries that bind to this machine, or whose protocol no overlay supports. */
import { byName } from '../dns/queries.ts'
import type { RefusedWay } from './way.ts'

const listenInstead =
  'An overlay is not an address of this machine: use server.listen(port), by which overlays that can listen do'
const noGroups = 'Overlays carry no multicast: send to each receiver by its address'
const asynchronously =
  'An overlay’s socket is opened over the network: use the method without Sync, and wait for its event'
const records =
  'lookupService resolveAny resolveCaa resolveCname resolveMx resolveNaptr ' +
  'resolveNs resolvePtr resolveSoa resolveSrv resolveTlsa resolveTxt'
const queries = { advice: byName, by: 'name-queries.ts' } as const

export const refusedSockets: readonly RefusedWay[] = [
  { module: 'net', names: 'BoundSocket _createServerHandle', advice: listenInstead },
  { module: 'dgram', names: '_createSocketHandle', advice: listenInstead },
  { module: 'dgram', names: 'Socket.prototype.bindSync Socket.prototype.connectSync', advice: asynchronously },
  {
    module: 'dgram',
    names: 'Socket.prototype.addMembership Socket.prototype.addSourceSpecificMembership',
    advice: noGroups,
  },
  { module: 'dns', names: withResolver(records), answer: 'callback', ...queries },
  { module: 'dns/promises', names: withResolver(records), answer: 'reject', ...queries },
  // In builds of Node with QUIC.
  {
    module: 'node:quic',
    names: 'connect listen QuicEndpoint',
    advice: 'Overlays do not carry QUIC: use HTTP/2, or TLS over TCP',
  },
]

/** A resolver has all of them except the look-up of services. */
function withResolver(names: string): string {
  const ofResolver = names.split(' ').filter((name) => name !== 'lookupService')
  return `${names} ${ofResolver.map((name) => `Resolver.prototype.${name}`).join(' ')}`
}
