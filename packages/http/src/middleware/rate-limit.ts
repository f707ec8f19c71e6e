/** `rate_limit`: limits the number of requests of each client in a time window. */
import { createHash } from 'node:crypto'
import { currentParticipant } from '@troupe/process'
import type { Context, MiddlewareHandler } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'
import { clientAddress, networkOf } from './client-address.ts'
import { RequestCounts } from './request-counts.ts'
import { keepingEarlyHeaders } from './early-headers.ts'
import type { RateLimitOptions } from './options.ts'
import type { MiddlewareContext } from './middleware-context.ts'

/**
 * Responds with 429 and `Retry-After` beyond the limit, and reports the remaining quota in `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-07).
 */
export function rateLimit(
  { limit, window, key, maxKeys }: RateLimitOptions,
  tools: MiddlewareContext,
): MiddlewareHandler {
  const byAddress = (context: Context) => {
    const address = clientAddress(context, tools)
    return address === undefined ? 'unknown' : `ip ${networkOf(address)}`
  }
  const byKey = (context: Context): string | undefined => {
    if (key === 'ip') return undefined
    if (key === 'actor') {
      const id = currentParticipant().frame.actor?.id
      return id === undefined ? undefined : `actor ${id}`
    }
    const value = context.req.header(key.header)
    return value === undefined ? undefined : `header ${short(value)}`
  }
  const limiter = rateLimiter({
    windowMs: window,
    limit,
    standardHeaders: 'draft-7',
    store: new RequestCounts(window, maxKeys),
    keyGenerator: (context) => byKey(context) ?? byAddress(context),
  })
  return keepingEarlyHeaders(limiter)
}

/** Clients choose the value of a header: otherwise a hundred thousand long ones could be kept in memory. */
function short(value: string): string {
  return value.length <= 64 ? value : createHash('sha256').update(value).digest('base64')
}
