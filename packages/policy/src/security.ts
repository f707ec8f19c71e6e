/** Who may do what in an application: one decider over its policies as they are now. Only the kernel has one. */
import { type Actor, denied, type EntryId, type Frame, invalid, type TroupeError, weigh } from '@troupe/core'
import { Audit, type AuditOptions } from './audit.ts'
import { beginDecision, TooCostly } from './condition/budget.ts'
import { checkMeta, maxMetaWeight, maxName } from './limits.ts'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './attributes.ts'
import { namesOf, type VariableNames } from './resource/resource-form.ts'
import { PolicySet } from './policy-set.ts'
import { namedScope, type Scope } from './scope.ts'
import type { PolicyDecision } from './decision.ts'

/** Why something is denied. */
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
  /** Denies where actor or scope is missing; otherwise that allows. */
  readonly strictMode: boolean
  /** All names of a variable. @default each variable has one */
  readonly variables?: VariableNames
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
  #trusted: Frame | undefined

  constructor(options: SecurityOptions) {
    this.strictMode = options.strictMode
    this.#policies = options.policies
    this.#variables = options.variables
    this.#audit = new Audit(options)
  }

  get policies(): Policies {
    return this.#policies
  }

  /** Grows with each change of the policies: what was decided before no longer counts. */
  get generation(): number {
    return this.#generation
  }

  /** Puts other policies in force, for the very next decision. */
  replace(policies: Policies): void {
    this.#policies = policies
    this.#books = new WeakMap()
    this.#generation += 1
  }

  /** Exempts a frame: the one of the program that holds the kernel itself. */
  trust(frame: Frame): void {
    this.#trusted = frame
  }

  /** Whether what the code in `frame` does is asked about at all. */
  governs(frame: Frame): boolean {
    return (frame.actor !== undefined && frame.scope !== undefined) || (this.strictMode && frame !== this.#trusted)
  }

  /** Whether the code in `frame` may do `action` to `resource`. Allocates nothing when it may. */
  decide(frame: Frame, action: string, resource: string, meta: Meta = nothing): Decision {
    const { actor, scope } = frame
    if (typeof action !== 'string' || typeof resource !== 'string') throw invalid('an action and a resource are texts')
    if (actor === undefined || scope === undefined) {
      if (!this.strictMode || frame === this.#trusted) return 'allow'
      const missing = actor === undefined ? 'actor' : 'scope'
      return this.#refuse(actor, action, resource, `there is no ${missing}, and security.strict_mode is on`, undefined)
    }
    const book = this.#book(scope)
    if (book.missing !== undefined) {
      return this.#refuse(actor, action, resource, `the policy ${book.missing} of the scope does not exist`, book.missing)
    }
    const policy = this.#deciding(book, actor, action, resource, meta)
    if (typeof policy === 'string') return this.#refuse(actor, action, resource, policy, undefined)
    if (policy?.effect === 'allow') {
      this.#audit.allowed(actor.id, action, resource, policy.id)
      return 'allow'
    }
    const reason =
      policy === undefined ? `no policy of the scope allows it to ${actor.id}` : `the policy ${policy.id} denies it to ${actor.id}`
    return this.#refuse(actor, action, resource, reason, policy)
  }

  /** @throws TroupeError `PermissionDenied`, with action and resource. */
  check(frame: Frame, action: string, resource: string, meta?: Meta): void {
    const decision = this.decide(frame, action, resource, meta)
    if (decision !== 'allow') throw denialError(decision)
  }

  /**
   * What the policies of `scope` say about a question that code makes up: nothing is done, and nothing recorded.
   *
   * @throws TroupeError `Invalid` for a question that is too long.
   */
  evaluate(scope: readonly EntryId[], actor: Actor | undefined, action: string, resource: string, meta: Meta = nothing): PolicyDecision {
    if (typeof action !== 'string' || typeof resource !== 'string') throw invalid('an action and a resource are texts')
    if (action.length > maxName || resource.length > maxName) throw invalid(`action or resource is longer than ${maxName} characters`)
    checkMeta(meta, 'meta')
    const book = this.#book(scope)
    // A policy that was deleted may have been one that denied.
    if (book.missing !== undefined) return 'deny'
    const policy = this.#deciding(book, actor, action, resource, meta)
    return typeof policy === 'string' ? 'deny' : (policy?.effect ?? 'undefined')
  }

  /** The policies of a group, as they are now. @throws TroupeError `NotFound` */
  namedScope(group: string): Scope {
    return namedScope(group, this.#policies)
  }

  /** The policy that decides, if one does; or why none can. */
  #deciding(book: PolicySet, actor: Actor | undefined, action: string, resource: string, meta: Meta): Policy | undefined | string {
    beginDecision()
    try {
      if (meta !== nothing && weigh(meta, maxMetaWeight) > maxMetaWeight) throw new TooCostly()
      const names = namesOf(action, resource, this.#variables)
      return names === undefined ? 'it is no host' : book.deciding(actor, action, names, meta)
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

  #refuse(actor: Actor | undefined, action: string, resource: string, reason: string, policy: Policy | EntryId | undefined): Denial {
    const id = typeof policy === 'object' ? policy.id : policy
    this.#audit.denied(actor?.id, action, resource, id, reason)
    return { action, resource, reason, ...(id !== undefined && { policy: id }) }
  }
}

/** The error of a denial. */
export function denialError({ action, resource, reason, policy }: Denial): TroupeError {
  return denied(`${action} of ${resource} is denied: ${reason}`, { action, resource, ...(policy !== undefined && { policy }) })
}
