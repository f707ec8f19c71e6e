/** Requests about policies: what the caller may do, what others could do, and which policies exist. */
import { invalid, isPid, notFound } from '@troupe/core'
import { checkActor, checkScope } from './authorization/validate-request.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { Handlers } from './request-handler.ts'

export function securityHandlers({ authorizer, discovery, security, privileges }: KernelParts): Handlers {
  return {
    permit: async ({ action, resource, port }, { record, thread }) => {
      if (!action.startsWith('process.')) {
        authorizer.checkOwnAction(record, action, resource, port === undefined ? {} : { port })
        return
      }
      if (!isPid(resource)) throw invalid(`${action} is about a process, not "${resource}"`, { action })
      authorizer.checkOwnAction(record, action, resource, { target: await discovery.find(resource) })
      privileges.permitted(thread.number, action, resource)
    },
    can: ({ action, resource, meta }, { record }) => authorizer.can(record, action, resource, meta),
    evaluate: ({ scope, actor, action, resource, meta }) => {
      checkScope(scope)
      if (actor !== undefined) checkActor(actor)
      return security.evaluate(scope, actor, action, resource, meta)
    },
    policy: ({ id }) => {
      const policy = security.policies.get(id)
      if (policy === undefined) throw notFound(`there is no policy ${id}`, { policy: id })
      return { id, effect: policy.effect, groups: policy.groups }
    },
    namedScope: ({ group }) => security.namedScope(group).policies,
  }
}
