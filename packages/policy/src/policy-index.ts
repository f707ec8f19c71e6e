/**
 * Policies about the same actions and resources. Policies that require certain values of a field are indexed by these
 * values: of a hundred policies for different roles, one is evaluated.
 */
import type { Actor } from '@troupe/core'
import type { Policy } from './policy.ts'
import { type PolicyQuery, fieldReader, type Meta } from './attributes.ts'

interface Index {
  readonly read: PolicyQuery<unknown>
  readonly byValue: ReadonlyMap<unknown, readonly Policy[]>
}

export class PolicyIndex {
  readonly #indexes: readonly Index[]
  readonly #others: readonly Policy[]

  constructor(policies: readonly Policy[]) {
    const fields = new Set(policies.flatMap(({ requirement }) => requirement?.field ?? []))
    this.#indexes = Array.from(fields, (field) => indexOf(field, policies))
    this.#others = policies.filter(({ requirement }) => requirement === undefined)
  }

  /** Returns the first policy whose conditions hold. Allocates nothing. */
  speaking(actor: Actor | undefined, action: string, resource: string, meta: Meta): Policy | undefined {
    for (const { read, byValue } of this.#indexes) {
      const policies = byValue.get(read(actor, action, resource, meta))
      if (policies === undefined) continue
      for (const policy of policies) if (policy.holds(actor, action, resource, meta)) return policy
    }
    for (const policy of this.#others) if (policy.holds(actor, action, resource, meta)) return policy
    return undefined
  }
}

function indexOf(field: string, policies: readonly Policy[]): Index {
  const byValue = new Map<unknown, Policy[]>()
  for (const policy of policies) {
    if (policy.requirement?.field !== field) continue
    for (const value of new Set(policy.requirement.values)) {
      const known = byValue.get(value)
      if (known === undefined) byValue.set(value, [policy])
      else known.push(policy)
    }
  }
  return { read: fieldReader(field), byValue }
}
