/** Scopes: the policies in force, by their ids. A plain immutable value; frames carry the ids. */
import { type EntryId, entryId, invalid, notFound, type TroupeError } from '@troupe/core'
import { maxScope } from './limits.ts'
import type { Policies } from './policy.ts'

/** A policy: its id, or an object with this id such as the result of `security.policy(id)`. */
export type PolicyReference = string | { readonly id: string }

/** A set of policies. */
export class Scope {
  /** In the order in which they were added, each once. */
  readonly policies: readonly EntryId[]

  /** Creates a scope. @throws TroupeError `Invalid` for an invalid id, and for more than 1024 policies. */
  constructor(policies: Iterable<PolicyReference> = []) {
    this.policies = Object.freeze([...new Set(Array.from(policies, (policy) => entryId(idOf(policy))))])
    if (this.policies.length > maxScope)
      throw invalid(`a scope holds at most ${maxScope} policies`, { limit: maxScope })
    Object.freeze(this)
  }

  /** Returns a scope that also contains these policies. @throws TroupeError `Invalid` as the constructor does. */
  with(...policies: readonly PolicyReference[]): Scope {
    return new Scope([...this.policies, ...policies])
  }

  /** Returns a scope without these policies. */
  without(...policies: readonly PolicyReference[]): Scope {
    const gone = new Set(policies.map(idOf))
    return new Scope(this.policies.filter((id) => !gone.has(id)))
  }

  /**
   * Returns whether the scope has this policy.
   *
   * @example
   * ```ts
   * const scope = security.newScope(['app:read', 'app:write'])
   * console.log(scope.contains('app:write')) // true
   * ```
   */
  contains(policy: PolicyReference): boolean {
    return this.policies.some((id) => id === idOf(policy))
  }
}

function idOf(policy: PolicyReference): string {
  return typeof policy === 'string' ? policy : policy.id
}

/**
 * Returns the policies of a scope, and checks that it is one: JavaScript code may pass any value, which would put no
 * policy in force.
 *
 * @throws TroupeError `Invalid`
 */
export function policiesOf(scope: Scope): readonly EntryId[] {
  if (scope instanceof Scope) return scope.policies
  throw invalid(
    'not a scope: create one with security.newScope(policies), or use a group with security.namedScope(group)',
  )
}

/**
 * Returns the policies of a group.
 *
 * @throws TroupeError `NotFound` when the group has no policy: an empty scope would deny everything without an obvious
 *   reason.
 */
export function namedScope(group: string, policies: Policies): Scope {
  const members = Array.from(policies.values()).filter((policy) => policy.groups.includes(group))
  if (members.length === 0) throw emptyGroup(group)
  return new Scope(members.map(({ id }) => id))
}

/** Returns the error for a group without policies, or of whose policies the caller may not know. */
export function emptyGroup(group: string): TroupeError {
  return notFound(`no policy is in the group "${group}"`, { group })
}
