/** The functions that a server provides to the middleware of its routers. */
import { TroupeError } from '@troupe/core'
import type { Context } from 'hono'
import type { MiddlewareContext } from '../../middleware/middleware-context.ts'
import { type ServerEnvironment, RequestCall } from '../request/request-call.ts'

type Bindings = ServerEnvironment['Bindings']

export const middlewareContext: MiddlewareContext = {
  peer: (context) => {
    const { peer, client, incoming } = bindingsOf(context)
    return client ?? peer?.address ?? incoming.socket.remoteAddress
  },
  onEnd: (context, then) => {
    bindingsOf(context).call.onEnd(then)
  },
  cut: (context, reason) => {
    const { call, route } = bindingsOf(context)
    if (route === undefined || 'program' in route) call.cut(reason)
  },
  failed: (context, error) => {
    bindingsOf(context).call.logLate(error)
  },
  endpoint: (context) => {
    const { route } = bindingsOf(context)
    if (route === undefined) return undefined
    const permission = 'permission' in route ? route.permission : undefined
    return { id: route.entry, ...(permission !== undefined && { permission }) }
  },
}

/** Middleware is written for any context; it runs in those of this server. */
function bindingsOf({ env }: Context): Bindings {
  if (isOurs(env)) return env
  throw new TroupeError('Internal', 'middleware of a router runs outside of a server')
}

function isOurs(env: unknown): env is Bindings {
  return typeof env === 'object' && env !== null && 'call' in env && env.call instanceof RequestCall
}
