/** Middleware of routers. Only the threads of servers load it. */
import { invalid } from '@troupe/core'
import type { MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { bodyLimit } from './body-limit.ts'
import { endpointFirewall } from './endpoint-firewall.ts'
import type { MiddlewareName, MiddlewareOptions } from './options.ts'
import { rateLimit } from './rate-limit.ts'
import { realIp } from './real-ip.ts'
import { requestId } from './request-id.ts'
import { tokenAuth } from './token-auth.ts'
import type { MiddlewareContext } from './middleware-context.ts'

export type { MiddlewareContext, RoutedEndpoint } from './middleware-context.ts'

/**
 * Creates the middleware of that name, from its part of the router's options. Middleware keeps its counters for as long
 * as it is used: create it once for each state of a router.
 *
 * @throws TroupeError `Invalid` where a required option is missing.
 */
export function middleware(
  name: MiddlewareName,
  options: MiddlewareOptions,
  tools: MiddlewareContext,
): MiddlewareHandler {
  switch (name) {
    case 'cors': {
      const { origins, methods, allowHeaders, exposeHeaders, maxAge, credentials } = options.cors
      return cors({
        origin: origins.includes('*') ? '*' : origins,
        allowMethods: methods,
        allowHeaders,
        exposeHeaders,
        credentials,
        ...(maxAge !== undefined && { maxAge: Math.floor(maxAge / 1000) }),
      })
    }
    case 'compression': {
      const { encoding, threshold } = options.compression
      return compress({ threshold, ...(encoding && { encoding }) })
    }
    case 'rate_limit':
      return rateLimit(options.rateLimit, tools)
    case 'real_ip':
      if (options.realIp === undefined) throw invalid('real_ip needs options.real_ip.trusted')
      return realIp(options.realIp, tools)
    case 'request_id':
      return requestId(options.requestId)
    case 'body_limit':
      return bodyLimit(options.bodyLimit)
    case 'token_auth':
      if (options.tokenAuth === undefined) throw invalid('token_auth needs options.token_auth.store')
      return tokenAuth(options.tokenAuth, tools)
    case 'endpoint_firewall':
      return endpointFirewall(options.endpointFirewall, tools)
    default:
      throw invalid(`there is no middleware "${String(name)}"`)
  }
}
