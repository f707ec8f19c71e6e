/** Authorization of an application: one decider over its current policies. Only the kernel has one. */
import { type Actor, denied, type EntryId, type Frame, invalid, type TroupeError, weigh } from '@troupe/core'
import { Audit, type AuditEvent, type AuditOptions } from './audit.ts'
import { beginDecision, TooCostly } from './condition/budget.ts'
import { checkMeta, maxMetaWeight, maxName } from './limits.ts'
import { type Explanation, opinions } from './explain.ts'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './attributes.ts'
import { namesOf, type VariableNames } from './resource/resource-form.ts'
import { PolicySet } from './policy-set.ts'
import { namedScope, type Scope } from './scope.ts'
import type { PolicyDecision } from './decision.ts'

/** Why a request is denied. */
export interface Denial {
  readonly action: string
  readonly resource: string
  readonly reason: string
  /** The policy that denied it, if one did. */
  readonly policy?: EntryId
}

export type Decision = 'allow' | Denial

export interface SecurityOptions extends AuditOptions {
  readonly policies: Policies
  /** Whether a missing actor or scope is a denial; otherwise it allows. */
  readonly strictMode: boolean
  /** Returns all names of a variable. @default each variable has one */
  readonly variables?: VariableNames
}

/** Why something is denied, and the policy that denies it. */
class Refusal {
  readonly reason: string
  readonly policy: EntryId | undefined

  constructor(reason: string, policy?: EntryId) {
    this.reason = reason
    this.policy = policy
  }
}

const nothing: Meta = Object.freeze({})

/**
 * Decides from frames that the kernel issued.
 *
 * @example
 * ```ts
 * const security = new Security({ policies: compilePolicies(registry), strictMode: false, log: console.error })
 * security.check(frame, 'process.spawn', 'app:worker')
 * ```
 */
export class Security {
  readonly strictMode: boolean
  readonly #audit: Audit
  readonly #variables: VariableNames | undefined
  #policies: Policies
  #books = new WeakMap<readonly EntryId[], PolicySet>()
  #generation = 1
  readonly #trusted = new WeakSet<Frame>()

  constructor(options: SecurityOptions) {
    this.strictMode = options.strictMode
    this.#policies = options.policies
    this.#variables = options.variables
    this.#audit = new Audit(options)
  }

  get policies(): Policies {
    return this.#policies
  }

  /** Grows with each change of the policies: earlier decisions then no longer count. */
  get generation(): number {
    return this.#generation
  }

  /** Replaces the policies, from the next decision on. */
  replace(policies: Policies): void {
    this.#policies = policies
    this.#books = new WeakMap()
    this.#generation += 1
  }

  /** Exempts a frame, but no fork of it: of the program that holds the kernel, and of the runtime's own threads. */
  trust(frame: Frame): void {
    this.#trusted.add(frame)
  }

  /** Returns whether the actions of the code in `frame` need permission at all. */
  governs(frame: Frame): boolean {
    return (frame.actor !== undefined && frame.scope !== undefined) || (this.strictMode && !this.#trusted.has(frame))
  }

  /** Decides whether the code in `frame` may do `action` to `resource`. Allocates nothing when it may. */
  decide(frame: Frame, action: string, resource: string, meta: Meta = nothing): Decision {
    const { actor } = frame
    const judged = this.#judge(actor, frame.scope, action, resource, meta, this.#trusted.has(frame))
    if (judged === undefined) return 'allow'
    if (judged instanceof Refusal) {
      const { reason, policy } = judged
      this.#audit.denied(actor?.id, action, resource, policy, reason)
      return { action, resource, reason, ...(policy !== undefined && { policy }) }
    }
    // Without an actor, no policy decides.
    if (actor !== undefined) this.#audit.allowed(actor.id, action, resource, judged.id)
    return 'allow'
  }

  /** Checks that the action is allowed. @throws TroupeError `PermissionDenied`, with action and resource. */
  check(frame: Frame, action: string, resource: string, meta?: Meta): void {
    const decision = this.decide(frame, action, resource, meta)
    if (decision !== 'allow') throw denialError(decision)
  }

  /**
   * Decides a hypothetical question by the policies of `scope`. Nothing is executed or recorded.
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  evaluate(
    scope: readonly EntryId[],
    actor: Actor | undefined,
    action: string,
    resource: string,
    meta: Meta = nothing,
  ): PolicyDecision {
    if (typeof action !== 'string' || typeof resource !== 'string')
      throw invalid('an action and a resource are strings')
    if (action.length > maxName || resource.length > maxName)
      throw invalid(`action or resource is longer than ${maxName} characters`)
    checkMeta(meta, 'meta')
    const book = this.#book(scope)
    // A policy that was deleted may have been one that denied.
    if (book.missing !== undefined) return 'deny'
    const policy = this.#deciding(book, actor, action, resource, meta)
    return typeof policy === 'string' ? 'deny' : (policy?.effect ?? 'undefined')
  }

  /**
   * Explains a hypothetical decision by the policies of `scope`. Nothing is executed or recorded.
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  explain(
    scope: readonly EntryId[] | undefined,
    actor: Actor | undefined,
    action: string,
    resource: string,
    meta: Meta = nothing,
  ): Explanation {
    if (action.length > maxName || resource.length > maxName)
      throw invalid(`action or resource is longer than ${maxName} characters`)
    const judged = this.#judge(actor, scope, action, resource, meta)
    const policies = opinions(scope ?? [], this.#policies, actor, action, resource, meta, this.#variables)
    if (judged instanceof Refusal) return { action, resource, verdict: 'deny', reason: judged.reason, policies }
    const reason =
      judged === undefined
        ? 'there is no actor or no scope, and security.strict_mode is off'
        : `the policy ${judged.id} allows it`
    return { action, resource, verdict: 'allow', reason, policies }
  }

  /** Calls `follower` for each decision, at once, until the result is disposed of. It must not throw. */
  follow(follower: (event: AuditEvent) => void): Disposable {
    return this.#audit.follow(follower)
  }

  /** Returns the policy that allows it, or why it is denied; `undefined` where no policy has to allow it. */
  #judge(
    actor: Actor | undefined,
    scope: readonly EntryId[] | undefined,
    action: string,
    resource: string,
    meta: Meta,
    isTrusted = false,
  ): Policy | Refusal | undefined {
    if (typeof action !== 'string' || typeof resource !== 'string')
      throw invalid('an action and a resource are strings')
    if (actor === undefined || scope === undefined) {
      if (!this.strictMode || isTrusted) return undefined
      const missing = actor === undefined ? 'actor' : 'scope'
      return new Refusal(`there is no ${missing}, and security.strict_mode is on`)
    }
    const book = this.#book(scope)
    if (book.missing !== undefined)
      return new Refusal(`the policy ${book.missing} of the scope does not exist`, book.missing)
    const policy = this.#deciding(book, actor, action, resource, meta)
    if (typeof policy === 'string') return new Refusal(policy)
    if (policy === undefined) return new Refusal(`no policy of the scope allows it to ${actor.id}`)
    if (policy.effect === 'allow') return policy
    return new Refusal(`the policy ${policy.id} denies it to ${actor.id}`, policy.id)
  }

  /** Returns the policies of a group, as they are now. @throws TroupeError `NotFound` */
  namedScope(group: string): Scope {
    return namedScope(group, this.#policies)
  }

  /** Returns the policy that decides, if there is one; or the reason why none can decide. */
  #deciding(
    book: PolicySet,
    actor: Actor | undefined,
    action: string,
    resource: string,
    meta: Meta,
  ): Policy | undefined | string {
    beginDecision()
    try {
      if (meta !== nothing && weigh(meta, maxMetaWeight) > maxMetaWeight) throw new TooCostly()
      const names = namesOf(action, resource, this.#variables)
      return names === undefined ? 'it is not a valid host or path' : book.deciding(actor, action, names, meta)
    } catch (error) {
      if (error instanceof TooCostly) return error.message
      throw error
    }
  }

  #book(scope: readonly EntryId[]): PolicySet {
    const known = this.#books.get(scope)
    if (known !== undefined) return known
    const book = new PolicySet(scope, this.#policies)
    this.#books.set(scope, book)
    return book
  }

  /** Decisions since the start, by the policy that decided; `undefined`: no policy applied. */
  get decisions(): ReadonlyMap<EntryId | undefined, { readonly allowed: number; readonly denied: number }> {
    return this.#audit.counts
  }
}

/** Returns the error of a denial. */
export function denialError({ action, resource, reason, policy }: Denial): TroupeError {
  return denied(`${action} of ${resource} is denied: ${reason}`, {
    action,
    resource,
    ...(policy !== undefined && { policy }),
  })
}
