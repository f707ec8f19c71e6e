/** Whom a request is from, as far as this server knows. */
import type { Context } from 'hono'
import type { MiddlewareTools } from './tools.ts'

/** `real_ip` found it out. */
export function setClientAddress(context: Context, address: string): void {
  context.set('remoteAddress', address)
}

export function clientAddress(context: Context, { peer }: MiddlewareTools): string | undefined {
  const found: unknown = context.get('remoteAddress')
  return typeof found === 'string' ? found : peer(context)
}

/** IPv4 addresses that are written as IPv6 ones (RFC 4291, 2.5.5.2), as they are. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}
