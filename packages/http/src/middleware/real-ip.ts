/** `real_ip`: the client's address, as the proxies before this server tell it. */
import { BlockList, isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { plainAddress, setClientAddress } from './client-address.ts'
import type { RealIpOptions } from './options.ts'
import type { MiddlewareTools } from './tools.ts'

/** The address is in the request's `x-real-ip` from here on, whatever the client wrote there. */
export function realIp({ trusted, header }: RealIpOptions, { peer }: MiddlewareTools): MiddlewareHandler {
  const proxies = new BlockList()
  for (const network of trusted) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) proxies.addAddress(address, family)
    else proxies.addSubnet(address, Number(prefix), family)
  }
  const isProxy = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return async (context, next) => {
    const { headers } = context.req.raw
    const client = addressOf(peer(context), headers.get(header), isProxy)
    if (client === undefined) headers.delete('x-real-ip')
    else {
      setClientAddress(context, client)
      headers.set('x-real-ip', client)
    }
    await next()
  }
}

/**
 * The last address that no proxy of ours has: each adds whom it heard to the end, and what stands before that anyone may have written.
 *
 * @param told The header, if it is there.
 */
function addressOf(peer: string | undefined, told: string | null, isProxy: (address: string) => boolean): string | undefined {
  if (peer === undefined) return undefined
  let client = plainAddress(peer)
  const hops = told?.split(',').toReversed() ?? []
  for (const hop of hops) {
    if (!isProxy(client)) return client
    const next = plainAddress(withoutPort(hop.trim()))
    // A proxy that says something else is believed no further.
    if (isIP(next) === 0) return client
    client = next
  }
  return client
}

/** `[2001:db8::1]:4711` and `192.0.2.1:4711`, as some proxies write them. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop
}
