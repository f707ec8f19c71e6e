/** `rate_limit`: so many requests of each client in a time. */
import { isIPv6 } from 'node:net'
import { currentParticipant } from '@troupe/process'
import type { Context, MiddlewareHandler } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'
import { clientAddress, plainAddress } from './client-address.ts'
import { Counts } from './counts.ts'
import { keepingEarlyHeaders } from './early-headers.ts'
import type { RateLimitOptions } from './options.ts'
import type { MiddlewareTools } from './tools.ts'

/** Answers 429 with `Retry-After` beyond the limit, and tells what is left in `RateLimit` (draft-ietf-httpapi-ratelimit-headers-07). */
export function rateLimit({ limit, window, key, maxKeys }: RateLimitOptions, tools: MiddlewareTools): MiddlewareHandler {
  const byAddress = (context: Context) => {
    const address = clientAddress(context, tools)
    return address === undefined ? 'nobody' : `ip ${networkOf(plainAddress(address))}`
  }
  const byKey = (context: Context): string | undefined => {
    if (key === 'ip') return undefined
    if (key === 'actor') {
      const id = currentParticipant().frame.actor?.id
      return id === undefined ? undefined : `actor ${id}`
    }
    const value = context.req.header(key.header)
    return value === undefined ? undefined : `header ${value}`
  }
  const limiter = rateLimiter({
    windowMs: window,
    limit,
    standardHeaders: 'draft-7',
    store: new Counts(window, maxKeys),
    keyGenerator: (context) => byKey(context) ?? byAddress(context),
  })
  return keepingEarlyHeaders(limiter)
}

/** A client has a whole /64 of IPv6 addresses to choose from. */
function networkOf(address: string): string {
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
