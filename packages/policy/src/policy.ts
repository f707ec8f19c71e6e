/** The kinds of policies, and compiled policies. */
import { type EntryId, TroupeError } from '@troupe/core'
import { defineKind, type FieldsOf, type Registry } from '@troupe/registry'
import { z } from 'zod'
import {
  type Condition,
  compileCondition,
  conditionSchema,
  type Requirement,
  requirementOf,
} from './condition/condition.ts'
import { TooCostly } from './condition/budget.ts'
import { compileExpression } from './condition/expression.ts'
import { Globs } from './condition/glob.ts'
import type { PolicyQuery } from './attributes.ts'
import { ResourcePatterns } from './resource/resource-patterns.ts'
import { isUrlPattern, UrlPattern } from './resource/url-pattern.ts'

const patterns = z
  .union(
    [z.string().min(1), z.array(z.string().min(1)).min(1)],
    'expected a pattern such as "network.*", or a list of them',
  )
  .transform((given) => (typeof given === 'string' ? [given] : given))

const common = {
  actions: patterns.describe('Actions that it covers: a name, or a pattern such as `network.*`.'),
  resources: patterns
    .superRefine((given, context) => {
      for (const fault of given.map(urlFaultOf)) if (fault !== undefined) context.addIssue(fault)
    })
    .describe('Resources that it covers: patterns, of which `*` alone covers everything.'),
  effect: z.enum(['allow', 'deny']).describe('What it decides; a policy that denies overrides those that allow.'),
  groups: z.array(z.string().min(1)).default([]).describe('Groups by which frames, tokens and services name it.'),
}

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
  fields: () =>
    z.strictObject({
      ...common,
      conditions: z.array(conditionSchema).default([]).describe('All of them must hold.'),
    }),
})

/**
 * A rule with a condition in CEL over `actor { id, meta }`, `action`, `resource` and `meta`. If the expression fails (a
 * key is absent, two values cannot be compared), a policy that allows does not apply, and a policy that denies does
 * deny.
 *
 * @example
 * ```yaml
 * - name: own_documents
 *   kind: security.policy.expr
 *   actions: document.*
 *   resources: '*'
 *   effect: allow
 *   expression: meta.owner == actor.id || "admin" in actor.meta.roles
 * ```
 */
export const securityExpression = defineKind({
  kind: 'security.policy.expr',
  fields: () =>
    z.strictObject({
      ...common,
      expression: z
        .string()
        .superRefine((source, context) => {
          const fault = faultOf(source)
          if (fault !== undefined) context.addIssue(fault)
        })
        .describe('The condition, in CEL, such as `meta.owner == actor.id`.'),
    }),
})

export const policyKinds = [securityPolicy, securityExpression]

/** Fields of a `security.policy`. */
export type PolicyFields = FieldsOf<typeof securityPolicy>
/** Fields of a `security.policy.expr`. */
export type ExpressionFields = FieldsOf<typeof securityExpression>

/** A compiled policy. */
export interface Policy {
  readonly id: EntryId
  readonly effect: 'allow' | 'deny'
  readonly groups: readonly string[]
  readonly actions: Globs
  readonly resources: ResourcePatterns
  /** Returns whether its conditions hold. Called only for questions that its actions and resources cover. */
  readonly holds: PolicyQuery<boolean>
  /** What it requires of one field for its conditions to hold, if anything. */
  readonly requirement: Requirement | undefined
  /** Returns why its conditions do not hold, for people; `undefined` when they do. */
  readonly whyNot: PolicyQuery<string | undefined>
}

/** The policies of an application. */
export type Policies = ReadonlyMap<EntryId, Policy>

/** Prepares a policy: compiles its patterns and expressions once, here. */
export function compilePolicy(id: EntryId, fields: PolicyFields | ExpressionFields): Policy {
  return Object.freeze({
    id,
    effect: fields.effect,
    groups: Object.freeze(fields.groups),
    actions: new Globs(fields.actions),
    resources: new ResourcePatterns(fields.resources, fields.effect),
    ...('expression' in fields ? testOfExpression(fields) : testOfConditions(fields.conditions)),
  })
}

/** Prepares all policies of an application. */
export function compilePolicies(registry: Registry): Policies {
  return new Map(
    policyKinds.flatMap((kind) =>
      registry
        .find({ kind: kind.kind })
        .map(({ id }) => [id, compilePolicy(id, registry.decode(id, kind).fields)] as const),
    ),
  )
}

type Test = Pick<Policy, 'holds' | 'requirement' | 'whyNot'>

function testOfConditions(list: readonly Condition[]): Test {
  const conditions = list.map(compileCondition)
  return {
    requirement: list.map(requirementOf).find((each) => each !== undefined),
    holds: (actor, action, resource, meta) => {
      for (const holds of conditions) if (!holds(actor, action, resource, meta)) return false
      return true
    },
    whyNot: (actor, action, resource, meta) => {
      const failed = list[conditions.findIndex((holds) => !holds(actor, action, resource, meta))]
      if (failed === undefined) return undefined
      const { field, operator, value, valueFrom } = failed
      const right = valueFrom ?? (value === undefined ? '' : JSON.stringify(value))
      return `the condition ${[field, operator, right].join(' ').trim()} does not hold`
    },
  }
}

function testOfExpression({ expression, effect }: ExpressionFields): Test {
  const evaluate = compileExpression(expression)
  const whyNot: PolicyQuery<string | undefined> = (actor, action, resource, meta) => {
    try {
      const answer = evaluate({ actor: actor ?? null, action, resource, meta })
      if (answer === true) return undefined
      return answer === false ? 'the expression is false' : 'the expression does not return a bool'
    } catch (error) {
      return `the expression fails: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`
    }
  }
  return {
    requirement: undefined,
    whyNot,
    holds: (actor, action, resource, meta) => {
      try {
        const answer = evaluate({ actor: actor ?? null, action, resource, meta })
        return typeof answer === 'boolean' ? answer : effect === 'deny'
      } catch (error) {
        if (error instanceof TooCostly) throw error
        return effect === 'deny'
      }
    },
  }
}

function faultOf(expression: string): string | undefined {
  return failureOf(() => compileExpression(expression))
}

function urlFaultOf(pattern: string): string | undefined {
  return isUrlPattern(pattern) ? failureOf(() => new UrlPattern(pattern)) : undefined
}

function failureOf(compile: () => unknown): string | undefined {
  try {
    compile()
    return undefined
  } catch (error) {
    return error instanceof TroupeError ? error.message : String(error)
  }
}
