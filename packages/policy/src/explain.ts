/** Why a decision falls as it does: what each policy of a scope says about it. */
import type { Actor, EntryId } from '@troupe/core'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './question.ts'
import { canonicalResource } from './url-pattern.ts'

/** What one policy says to a question. */
export interface Opinion {
  readonly policy: EntryId
  readonly says: 'allow' | 'deny' | 'nothing'
  /** Why it says nothing, or that it is not there. */
  readonly reason: string
}

/** What each policy of `scope` says, in the scope's order. */
export function opinions(
  scope: readonly EntryId[],
  policies: Policies,
  actor: Actor | undefined,
  action: string,
  resource: string,
  meta: Meta = {},
): readonly Opinion[] {
  const named = canonicalResource(action, resource)
  return scope.map((id) => {
    const policy = policies.get(id)
    if (policy === undefined) return { policy: id, says: 'deny', reason: 'it does not exist, so it may have been one that denies' }
    const reason = silence(policy, actor, action, named, meta)
    if (reason !== undefined) return { policy: id, says: 'nothing', reason }
    const failure = policy.objection(actor, action, named, meta)
    return { policy: id, says: policy.effect, reason: failure ?? 'it is about this, and its conditions hold' }
  })
}

function silence(policy: Policy, actor: Actor | undefined, action: string, resource: string, meta: Meta): string | undefined {
  if (!policy.actions.match(action)) return `it is about the actions ${policy.actions.patterns.join(', ')}`
  if (!policy.resources.match(resource)) return `it is about the resources ${policy.resources.patterns.join(', ')}`
  return policy.holds(actor, action, resource, meta) ? undefined : policy.objection(actor, action, resource, meta)
}
