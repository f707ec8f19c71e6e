/** The client address of a request, as far as this server knows it. */
import { isIPv6 } from 'node:net'
import type { Context } from 'hono'
import type { MiddlewareContext } from './middleware-context.ts'

/** Sets the address that `real_ip` found. */
export function setClientAddress(context: Context, address: string): void {
  context.set('remoteAddress', address)
}

export function clientAddress(context: Context, { peer }: MiddlewareContext): string | undefined {
  const found: unknown = context.get('remoteAddress')
  return typeof found === 'string' ? found : peer(context)
}

/** Converts IPv4 addresses in IPv6 form (RFC 4291, 2.5.5.2) to IPv4 form. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

/** Returns the network that counts as one client: a client can use any address of its IPv6 /64. */
export function networkOf(client: string): string {
  const address = plainAddress(client)
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
