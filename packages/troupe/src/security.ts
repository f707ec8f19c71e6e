/** Gives code its actor and its policies, and asks for decisions. The kernel decides. */
import { type Actor, type EntryId, entryId } from '@troupe/core'
import { type TokenStoreHandle, tokenStore } from '@troupe/http'
import { newActor, type PolicyReference, Scope, type PolicyDecision } from '@troupe/policy'
import { ask, currentParticipant, type PolicyView, snapshot } from '@troupe/process'

type Facts = Readonly<Record<string, unknown>>

/**
 * Policies that code can ask, or put in force by `withScope`. A plain immutable value.
 *
 * @example
 * ```ts
 * const scope = new PolicyScope(['app:read'])
 * await funcs.withScope(scope).call('app:report')
 * ```
 */
export class PolicyScope extends Scope {
  /**
   * Returns a scope that also contains these policies.
   *
   * @example
   * ```ts
   * const writers = (await security.namedScope('readers')).with('app:write')
   * await funcs.withScope(writers).call('app:report')
   * ```
   *
   * @throws TroupeError `Invalid` for an invalid id, and for more than 1024 policies.
   */
  override with(...policies: readonly PolicyReference[]): PolicyScope {
    return new PolicyScope(super.with(...policies).policies)
  }

  /**
   * Returns a scope without these policies.
   *
   * @example
   * ```ts
   * const readers = security.newScope(['app:read', 'app:write']).without('app:write')
   * console.log(readers.policies) // ['app:read']
   * ```
   */
  override without(...policies: readonly PolicyReference[]): PolicyScope {
    return new PolicyScope(super.without(...policies).policies)
  }

  /**
   * Returns the joint decision of its policies: `deny` if any denies, otherwise `allow` if one allows, otherwise
   * `undefined`.
   *
   * @example
   * ```ts
   * const scope = await security.namedScope('readers')
   * const decision = await scope.evaluate(security.newActor('ann'), 'document.read', 'report-7')
   * ```
   *
   * @throws TroupeError `Invalid` for a question that is too long; `PermissionDenied` for a policy that the caller may
   *   not know (`registry.get`).
   */
  async evaluate(
    actor: Actor | undefined,
    action: string,
    resource: string,
    meta: Facts = {},
  ): Promise<PolicyDecision> {
    return evaluate(this.policies, actor, action, resource, meta)
  }
}

/** One policy. */
export interface PolicyHandle extends PolicyView {
  /**
   * Returns the decision of this policy alone.
   *
   * @example
   * ```ts
   * const policy = await security.policy('app:readers_only')
   * const decision = await policy.evaluate(security.newActor('ann'), 'document.read', 'report-7')
   * ```
   */
  evaluate(actor: Actor | undefined, action: string, resource: string, meta?: Facts): Promise<PolicyDecision>
}

/**
 * @example
 * ```ts
 * if (!(await security.can('document.read', 'report-7', { owner: 'ann' }))) throw new Error('not yours')
 * const ann = security.newActor('ann', { role: 'reader' })
 * await funcs.withActor(ann).withScope(await security.namedScope('readers')).call('app:report')
 * ```
 */
export const security = {
  /**
   * Returns the current actor, as the kernel knows it; `undefined` when there is none.
   *
   * @example
   * ```ts
   * log.info(`on behalf of ${security.actor()?.id ?? 'the application'}`)
   * ```
   */
  actor(): Actor | undefined {
    return currentParticipant().frame.actor
  },

  /**
   * Returns the current scope, as the kernel knows it; `undefined` when there is none.
   *
   * @example
   * ```ts
   * const policies = security.scope()?.policies ?? []
   * ```
   */
  scope(): PolicyScope | undefined {
    const { scope } = currentParticipant().frame
    return scope && new PolicyScope(scope)
  },

  /**
   * Returns whether the current code may do `action` to `resource`. The action may be one of the application's own.
   *
   * @example
   * ```ts
   * if (!(await security.can('document.read', 'report-7'))) throw new TroupeError('PermissionDenied', 'not yours')
   * ```
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  async can(action: string, resource: string, meta: Facts = {}): Promise<boolean> {
    return ask('can', { action, resource, meta: snapshotFacts(meta) })
  },

  /**
   * Returns an actor, for `withActor`.
   *
   * @example
   * ```ts
   * await funcs.withActor(security.newActor('ann', { role: 'reader' })).call('app:report')
   * ```
   *
   * @throws TroupeError `Invalid` for an empty id, or for `meta` that is not plain data or weighs more than 4 KiB.
   */
  newActor(id: string, meta: Facts = {}): Actor {
    return newActor(id, meta)
  },

  /**
   * Returns a scope of these policies: ids, or results of {@link security.policy}.
   *
   * @example
   * ```ts
   * await funcs.withScope(security.newScope(['app:readers_only'])).call('app:report')
   * ```
   *
   * @throws TroupeError `Invalid` for anything that is not an id.
   */
  newScope(policies: Iterable<PolicyReference> = []): PolicyScope {
    return new PolicyScope(policies)
  },

  /**
   * Returns the policy with this id.
   *
   * @example
   * ```ts
   * const policy = await security.policy('app:readers_only')
   * await policy.evaluate(security.newActor('ann'), 'document.read', 'report-7')
   * ```
   *
   * @throws TroupeError `NotFound`; `PermissionDenied` (`registry.get`).
   */
  async policy(id: string): Promise<PolicyHandle> {
    const view = await ask('policy', { id: entryId(id) })
    return Object.freeze({
      ...view,
      evaluate: async (actor: Actor | undefined, action: string, resource: string, meta: Facts = {}) =>
        evaluate([view.id], actor, action, resource, meta),
    })
  },

  /**
   * Returns the token store with this id. Its methods reject with `NotFound` if the store does not exist when they are
   * called.
   *
   * @example
   * ```ts
   * const tokens = security.tokenStore('app:tokens')
   * const { token } = await tokens.create({ actor: security.newActor('ann'), groups: ['readers'], ttl: '1h' })
   * ```
   */
  tokenStore(id: string): TokenStoreHandle {
    return tokenStore(id)
  },

  /**
   * Returns the scope of all policies of a group.
   *
   * @example
   * ```ts
   * await funcs.withScope(await security.namedScope('readers')).call('app:report')
   * ```
   *
   * @throws TroupeError `NotFound` when the group has no policy, or one of which the caller may not know.
   */
  async namedScope(group: string): Promise<PolicyScope> {
    return new PolicyScope(await ask('namedScope', { group }))
  },
}

async function evaluate(
  scope: readonly EntryId[],
  actor: Actor | undefined,
  action: string,
  resource: string,
  meta: Facts,
) {
  return ask('evaluate', { scope, actor, action, resource, meta: snapshotFacts(meta) })
}

/** Copied here, so that a value that structured clone cannot carry is rejected with its path. */
function snapshotFacts(meta: Facts): Facts {
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, snapshot(value)]))
}
