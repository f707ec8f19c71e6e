/** Explains a decision: the effect of each policy of a scope on it. */
import type { Actor, EntryId } from '@troupe/core'
import { beginDecision } from './condition/budget.ts'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './attributes.ts'
import { formOf, namesOf, type VariableNames } from './resource/resource-form.ts'

/** The effect of one policy on a question. */
export interface Opinion {
  readonly policy: EntryId
  readonly says: 'allow' | 'deny' | 'nothing'
  /** Why it has no effect, or that it does not exist. */
  readonly reason: string
}

/** A decision with its reasons. */
export interface Explanation {
  /** The action that was asked about. */
  readonly action: string
  /** The resource that was asked about. */
  readonly resource: string
  /** The joint decision. */
  readonly verdict: 'allow' | 'deny'
  /** Why it was decided so. */
  readonly reason: string
  /** In the order of the scope. */
  readonly policies: readonly Opinion[]
}

/** Returns the effect of each policy of `scope`, in the scope's order. */
export function opinions(
  scope: readonly EntryId[],
  policies: Policies,
  actor: Actor | undefined,
  action: string,
  resource: string,
  meta: Meta = {},
  variables?: VariableNames,
): readonly Opinion[] {
  const named = namesOf(action, resource, variables)
  const names = typeof named === 'string' ? ([named] as const) : named
  return scope.map((id) => {
    beginDecision()
    const policy = policies.get(id)
    if (policy === undefined)
      return { policy: id, says: 'deny', reason: 'it does not exist, so it may have been one that denies' }
    if (names === undefined) return { policy: id, says: 'deny', reason: `${resource} is not a valid host` }
    const seen =
      policy.effect === 'deny' ? (names.find((name) => policy.holds(actor, action, name, meta)) ?? names[0]) : names[0]
    const reason = silence(policy, actor, { action, names, seen }, meta)
    if (reason !== undefined) return { policy: id, says: 'nothing', reason }
    const failure = policy.whyNot(actor, action, seen, meta)
    return { policy: id, says: policy.effect, reason: failure ?? 'it is about this, and its conditions hold' }
  })
}

interface Asked {
  readonly action: string
  readonly names: readonly string[]
  readonly seen: string
}

function silence(
  policy: Policy,
  actor: Actor | undefined,
  { action, names, seen }: Asked,
  meta: Meta,
): string | undefined {
  if (!policy.actions.match(action)) return `it is about the actions ${policy.actions.patterns.join(', ')}`
  const form = formOf(action)
  if (!names.some((name) => policy.resources.match(name, form)))
    return `it is about the resources ${policy.resources.patterns.join(', ')}`
  return policy.holds(actor, action, seen, meta) ? undefined : policy.whyNot(actor, action, seen, meta)
}
