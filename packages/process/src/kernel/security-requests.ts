/** Requests about policies: what the caller may do, what others could do, and which policies exist. */
import { invalid, isPid, notFound } from '@troupe/core'
import { emptyGroup } from '@troupe/policy/kernel'
import { checkActor, checkScope } from './authorization/validate-request.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { OwnHandlers } from './request-handler.ts'

type SecurityRequest = 'permit' | 'can' | 'evaluate' | 'policy' | 'namedScope'

export function securityHandlers({
  authorizer,
  discovery,
  security,
  privileges,
}: Pick<KernelParts, 'authorizer' | 'discovery' | 'security' | 'privileges'>): Pick<OwnHandlers, SecurityRequest> {
  return {
    permit: async ({ action, resource, port }, { record, thread }) => {
      if (!action.startsWith('process.')) {
        authorizer.checkOwnAction(record, action, resource, port === undefined ? {} : { port })
        return
      }
      if (!isPid(resource)) throw invalid(`${action} is about a process, not "${resource}"`, { action })
      const target = await authorizer.target(record, action, resource, async (pid) => discovery.find(pid))
      authorizer.checkOwnAction(record, action, resource, { target })
      privileges.permitted(thread.number, action, resource)
    },
    can: ({ action, resource, meta }, { record }) => authorizer.can(record, action, resource, meta),
    evaluate: ({ scope, actor, action, resource, meta }, { record }) => {
      checkScope(scope)
      for (const id of scope) authorizer.checkPolicy(record, id)
      if (actor !== undefined) checkActor(actor)
      return security.evaluate(scope, actor, action, resource, meta)
    },
    policy: ({ id }, { record }) => {
      authorizer.checkPolicy(record, id)
      const policy = security.policies.get(id)
      if (policy === undefined) throw notFound(`there is no policy ${id}`, { policy: id })
      return { id, effect: policy.effect, groups: policy.groups }
    },
    // A part of a group could lack the policies that deny.
    namedScope: ({ group }, { record }) => {
      const { policies } = security.namedScope(group)
      if (policies.every((id) => authorizer.seesPolicy(record, id))) return policies
      throw emptyGroup(group)
    },
  }
}
