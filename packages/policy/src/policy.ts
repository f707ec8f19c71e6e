/** The kind `security.policy`, and policies ready to be asked. */
import type { EntryId } from '@troupe/core'
import { defineKind, type FieldsOf } from '@troupe/registry'
import { z } from 'zod'
import { compileCondition, conditionSchema } from './condition.ts'
import { Globs } from './glob.ts'
import type { Ask } from './question.ts'

const patterns = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], 'expected a pattern such as "network.*", or a list of them')
  .transform((given) => (typeof given === 'string' ? [given] : given))

/**
 * A rule about actions on resources.
 *
 * @example
 * ```yaml
 * - name: only_tor
 *   kind: security.policy
 *   actions: network.select
 *   resources: [app:tor, app:tor_*]
 *   effect: allow
 *   conditions: [{ field: actor.meta.role, operator: in, value: [reader, editor] }]
 *   groups: [browsing]
 * ```
 */
export const securityPolicy = defineKind({
  kind: 'security.policy',
  fields: z.strictObject({
    actions: patterns,
    resources: patterns,
    effect: z.enum(['allow', 'deny']),
    /** All of them have to hold. */
    conditions: z.array(conditionSchema).default([]),
    groups: z.array(z.string().min(1)).default([]),
  }),
})

/** Fields of a `security.policy`. */
export type PolicyFields = FieldsOf<typeof securityPolicy>

/** A policy, ready to be asked. */
export interface Policy {
  readonly id: EntryId
  readonly effect: 'allow' | 'deny'
  readonly groups: readonly string[]
  /** Whether the policy has something to say about a question. */
  readonly applies: Ask<boolean>
}

/** The policies of an application. */
export type Policies = ReadonlyMap<EntryId, Policy>

/** Prepares a policy: patterns and expressions are compiled once, here. */
export function compilePolicy(id: EntryId, fields: PolicyFields): Policy {
  const actions = new Globs(fields.actions)
  const resources = new Globs(fields.resources)
  const conditions = fields.conditions.map(compileCondition)
  const applies: Ask<boolean> = (actor, action, resource, meta) => {
    if (!actions.match(action) || !resources.match(resource)) return false
    for (const holds of conditions) if (!holds(actor, action, resource, meta)) return false
    return true
  }
  return Object.freeze({ id, effect: fields.effect, groups: Object.freeze(fields.groups), applies })
}
