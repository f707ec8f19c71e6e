/** Who acts, under which policies, and what those say. The kernel decides; this asks it. */
import { type Actor, type EntryId, entryId } from '@troupe/core'
import { type TokenStoreHandle, tokenStore } from '@troupe/http'
import { newActor, type PolicyReference, Scope, type PolicyDecision } from '@troupe/policy'
import { ask, currentParticipant, type PolicyView, snapshot } from '@troupe/process'

type Facts = Readonly<Record<string, unknown>>

/** Policies that can be asked, or put in force by `withScope`. A plain immutable value. */
export class PolicyScope extends Scope {
  override with(...policies: readonly PolicyReference[]): PolicyScope {
    return new PolicyScope(super.with(...policies).policies)
  }

  override without(...policies: readonly PolicyReference[]): PolicyScope {
    return new PolicyScope(super.without(...policies).policies)
  }

  /**
   * What its policies say together: any that denies wins, else one that allows, else `undefined`.
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  async evaluate(actor: Actor | undefined, action: string, resource: string, meta: Facts = {}): Promise<PolicyDecision> {
    return evaluate(this.policies, actor, action, resource, meta)
  }
}

/** One policy. */
export interface PolicyHandle extends PolicyView {
  /** What it says by itself. */
  evaluate(actor: Actor | undefined, action: string, resource: string, meta?: Facts): Promise<PolicyDecision>
}

/**
 * @example
 * ```ts
 * if (!(await security.can('document.read', id, { owner }))) throw new Error('not yours')
 * await funcs.withActor(security.newActor('ann', { role: 'reader' })).withScope(await security.namedScope('readers')).call('app:report')
 * ```
 */
export const security = {
  /** The actor that the kernel put in force; `undefined` when nobody acts here. */
  actor(): Actor | undefined {
    return currentParticipant().frame.actor
  },

  /** The policies that the kernel put in force; `undefined` when no scope is. */
  scope(): PolicyScope | undefined {
    const { scope } = currentParticipant().frame
    return scope && new PolicyScope(scope)
  },

  /**
   * Whether the code that runs may do `action` to `resource`: any actions, an application's own too.
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  async can(action: string, resource: string, meta: Facts = {}): Promise<boolean> {
    return ask('can', { action, resource, meta: snapshotFacts(meta) })
  },

  /** An actor, for `withActor`. @throws TroupeError `Invalid` for an empty id, or for `meta` that is no plain data or weighs more than 4 KiB. */
  newActor(id: string, meta: Facts = {}): Actor {
    return newActor(id, meta)
  },

  /** A scope of these policies: ids, or what {@link security.policy} returns. @throws TroupeError `Invalid` for what is no id. */
  newScope(policies: Iterable<PolicyReference> = []): PolicyScope {
    return new PolicyScope(policies)
  },

  /** @throws TroupeError `NotFound` */
  async policy(id: string): Promise<PolicyHandle> {
    const view = await ask('policy', { id: entryId(id) })
    return Object.freeze({
      ...view,
      evaluate: async (actor: Actor | undefined, action: string, resource: string, meta: Facts = {}) =>
        evaluate([view.id], actor, action, resource, meta),
    })
  },

  /** A store of tokens, by its id. It is there when it is used, or is `NotFound` then. */
  tokenStore(id: string): TokenStoreHandle {
    return tokenStore(id)
  },

  /** The scope of all policies of a group. @throws TroupeError `NotFound` when no policy is in it. */
  async namedScope(group: string): Promise<PolicyScope> {
    return new PolicyScope(await ask('namedScope', { group }))
  },
}

async function evaluate(scope: readonly EntryId[], actor: Actor | undefined, action: string, resource: string, meta: Facts) {
  return ask('evaluate', { scope, actor, action, resource, meta: snapshotFacts(meta) })
}

/** Own copies, so that what structured clone cannot carry is refused with its path. */
function snapshotFacts(meta: Facts): Facts {
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, snapshot(value)]))
}
