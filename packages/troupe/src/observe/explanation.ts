/** Explains decisions of the policies: of an application's files, and of one that runs. */
import { entryId, invalid } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import type { Explanation, Security } from '@troupe/policy/kernel'
import { z } from 'zod'

const text = z.string().max(4096)
const facts = z.record(text, z.json())

/** The shape of a {@link PolicyQuestion}. */
const policyQuestion = z.strictObject({
  action: text,
  resource: text,
  /** Absent: code without an actor. */
  actor: z.strictObject({ id: text, meta: facts }).optional(),
  /** Ids of policies. */
  scope: z.array(text).max(1024),
  /** Groups of policies. Without any policy and any group: code without a scope. */
  groups: z.array(text).max(1024),
  meta: facts,
})

/** The question whether such an actor may do something. */
export type PolicyQuestion = z.output<typeof policyQuestion>

/** The decision of an application that runs, or of one that was read. */
export interface VersionedExplanation extends Explanation {
  /** The version of the registry whose policies decided. */
  readonly registryVersion: number
}

/** Returns a question from JSON. @throws TroupeError `Invalid` */
export function parseQuestion(value: unknown): PolicyQuestion {
  const { data, error } = policyQuestion.safeParse(value)
  if (error !== undefined) throw invalid(`that is no question for the policies: ${z.prettifyError(error)}`)
  return data
}

/**
 * Returns the decision of the policies as they are now, and why. Nothing is executed, counted or recorded.
 *
 * @example
 * ```ts
 * const { security } = app.kernel
 * const question = { action: 'document.read', resource: 'report-7', scope: ['app:read'], groups: [], meta: {} }
 * console.log(explanation(security, question).verdict) // allow
 * ```
 *
 * @throws TroupeError `Invalid` for an invalid id, `NotFound` for a group without policies.
 */
export function explanation(security: Security, question: PolicyQuestion): Explanation {
  const { action, resource, scope, groups, meta } = question
  const actor = question.actor === undefined ? undefined : newActor(question.actor.id, question.actor.meta)
  const isScoped = scope.length > 0 || groups.length > 0
  const policies = isScoped
    ? new Scope([...scope.map((id) => entryId(id)), ...groups.flatMap((group) => security.namedScope(group).policies)])
        .policies
    : undefined
  return security.explain(policies, actor, action, resource, meta)
}
