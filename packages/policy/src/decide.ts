/** Decisions. Made by the kernel, from the frame that it issued. */
import { type Actor, denied, type EntryId, type Frame, type TroupeError } from '@troupe/core'
import type { Policies } from './policy.ts'
import type { Meta } from './question.ts'

/** What the policies of a scope say together. */
export type Verdict = 'allow' | 'deny' | 'undefined'

/** Why something is denied. */
export interface Denial {
  readonly action: string
  readonly resource: string
  readonly reason: string
  /** The policy that denied it, if one did. */
  readonly policy?: EntryId
}

export type Decision = 'allow' | Denial

export interface Rules {
  readonly policies: Policies
  /** Denies where actor or scope is missing; otherwise that allows. */
  readonly strictMode: boolean
}

const nothing: Meta = Object.freeze({})

/** Any policy that denies wins; else one that allows; else nothing was said. */
export function evaluate(
  scope: readonly EntryId[],
  policies: Policies,
  actor: Actor | undefined,
  action: string,
  resource: string,
  meta: Meta = nothing,
): Verdict {
  let verdict: Verdict = 'undefined'
  for (const id of scope) {
    const policy = policies.get(id)
    // A policy that was deleted may have been one that denied.
    if (policy === undefined) return 'deny'
    if (verdict === 'allow' && policy.effect === 'allow') continue
    if (!policy.applies(actor, action, resource, meta)) continue
    if (policy.effect === 'deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

/** Whether the code that runs in `frame` may do `action` to `resource`. Allocates nothing when it may. */
export function decide(frame: Frame, action: string, resource: string, rules: Rules, meta: Meta = nothing): Decision {
  const { actor, scope } = frame
  if (actor === undefined || scope === undefined) {
    if (!rules.strictMode) return 'allow'
    const missing = actor === undefined ? 'actor' : 'scope'
    return { action, resource, reason: `there is no ${missing}, and security.strict_mode is on` }
  }
  const verdict = evaluate(scope, rules.policies, actor, action, resource, meta)
  return verdict === 'allow' ? verdict : explain(scope, rules.policies, actor, action, resource, meta)
}

/** The error of a denial. */
export function denialError({ action, resource, reason, policy }: Denial): TroupeError {
  return denied(`${action} of ${resource} is denied: ${reason}`, { action, resource, ...(policy !== undefined && { policy }) })
}

function explain(scope: readonly EntryId[], policies: Policies, actor: Actor, action: string, resource: string, meta: Meta): Denial {
  for (const id of scope) {
    const policy = policies.get(id)
    if (policy === undefined) return { action, resource, policy: id, reason: `the policy ${id} of the scope does not exist` }
    if (policy.effect === 'deny' && policy.applies(actor, action, resource, meta)) {
      return { action, resource, policy: id, reason: `the policy ${id} denies it to ${actor.id}` }
    }
  }
  return { action, resource, reason: `no policy of the scope allows it to ${actor.id}` }
}
