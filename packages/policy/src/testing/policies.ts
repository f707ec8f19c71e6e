/** Policies for tests. */
import { entryId } from '@troupe/core'
import { compilePolicy, type ExpressionFields, type Policies, type PolicyFields } from '../policy.ts'

export type SomeFields = Partial<PolicyFields> | Partial<ExpressionFields>

/** Returns a policy with these fields that otherwise allows everything. */
export function policySet(given: Readonly<Record<string, SomeFields>>): Policies {
  return new Map(
    Object.entries(given).map(([id, fields]) => [entryId(id), compilePolicy(entryId(id), completed(fields))]),
  )
}

function completed(fields: SomeFields): PolicyFields | ExpressionFields {
  const common = { actions: ['*'], resources: ['*'], effect: 'allow' as const, groups: [] }
  if ('expression' in fields) return { ...common, expression: 'true', ...fields }
  return { ...common, conditions: [], ...fields }
}
