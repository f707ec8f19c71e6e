/** `real_ip`: the client's address, as the proxies in front of this server report it. */
import type { MiddlewareHandler } from 'hono'
import { setClientAddress } from './client-address.ts'
import type { RealIpOptions } from './options.ts'
import { addressBehind, networks } from './trusted-proxies.ts'
import type { MiddlewareContext } from './middleware-context.ts'

/** From here on the request's `x-real-ip` contains the address, whatever the client wrote there. */
export function realIp({ trusted, header }: RealIpOptions, { peer }: MiddlewareContext): MiddlewareHandler {
  const isProxy = networks(trusted)
  return async (context, next) => {
    const { headers } = context.req.raw
    const client = addressBehind(peer(context), headers.get(header), isProxy)
    if (client === undefined) headers.delete('x-real-ip')
    else {
      setClientAddress(context, client)
      headers.set('x-real-ip', client)
    }
    await next()
  }
}
