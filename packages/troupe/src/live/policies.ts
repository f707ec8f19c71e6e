/**
 * Handles policies that are created, changed or deleted: they apply from the very next decision on, and permissions
 * that others had granted are withdrawn.
 */
import type { EntryId } from '@troupe/core'
import { compilePolicy, type Policy, policyKinds } from '@troupe/policy/kernel'
import { type Kernel, routesChanged } from '@troupe/process/kernel'
import type { Entries, KindHandler } from '@troupe/registry'
import type { RunningParts } from './running-parts.ts'

export function policyHandler({ kernel }: RunningParts): KindHandler {
  return {
    prepare: async ({ id, after, entries }) => {
      const next = after && compiled(entries, id)
      const former = kernel.security.policies.get(id)
      return {
        commit: async () => {
          put(kernel, id, next)
        },
        rollback: async () => {
          put(kernel, id, former)
        },
      }
    },
  }
}

function compiled(entries: Entries, id: EntryId): Policy | undefined {
  const { kind } = entries.get(id)
  const known = policyKinds.find((policyKind) => policyKind.kind === kind)
  return known && compilePolicy(id, entries.decode(id, known).fields)
}

function put(kernel: Kernel, id: EntryId, policy: Policy | undefined): void {
  const policies = new Map(kernel.security.policies)
  if (policy === undefined) policies.delete(id)
  else policies.set(id, policy)
  kernel.replacePolicies(policies)
  routesChanged()
}
