/**
 * `endpoint_firewall`: checks whether the caller may use an endpoint, by the policies in force for the request. Without
 * an actor or a scope it refuses, whatever `security.strict_mode` is: it fails closed.
 */
import { ask, currentParticipant } from '@troupe/process'
import type { MiddlewareHandler } from 'hono'
import type { EndpointFirewallOptions } from './options.ts'
import type { MiddlewareContext } from './middleware-context.ts'

export function endpointFirewall(
  { action }: EndpointFirewallOptions,
  { endpoint }: MiddlewareContext,
): MiddlewareHandler {
  return async (context, next) => {
    const routed = endpoint(context)
    if (routed === undefined) return context.notFound()
    const { actor, scope } = currentParticipant().frame
    const { method, path } = context.req
    const may =
      actor !== undefined &&
      scope !== undefined &&
      (await ask('can', {
        action: routed.permission ?? action,
        resource: routed.id,
        meta: { method, path: path.slice(0, maxPath) },
      }))
    return may ? next() : context.text('Forbidden', 403)
  }
}

/** Policies read few and small facts. */
const maxPath = 1024
