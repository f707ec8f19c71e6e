/** The policies of one scope, sorted by actions and resources, so that a decision evaluates few of them. */
import type { Actor, EntryId } from '@troupe/core'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './attributes.ts'
import type { ReadyPatterns } from './resource/resource-patterns.ts'
import { PolicyIndex } from './policy-index.ts'
import { formOf, type ResourceForm } from './resource/resource-form.ts'

/** The names of a resource: one, or several. */
export type Names = string | readonly [string, ...string[]]

/**
 * Maximum number of actions whose policies are kept sorted. Code can invent action names; beyond this number the set is
 * cleared.
 */
const maxActions = 256

interface Rules {
  readonly denying: Sorted
  readonly allowing: Sorted
}

interface Sorted {
  /** Policies whose resources are names, by name. */
  readonly named: ReadonlyMap<string, PolicyIndex>
  readonly others: readonly { readonly resources: ReadyPatterns; readonly index: PolicyIndex }[]
}

export class PolicySet {
  /** A policy that the scope names and that does not exist: it may have been one that denied. */
  readonly missing: EntryId | undefined
  readonly #policies: readonly Policy[]
  readonly #byAction = new Map<string, Rules>()

  constructor(scope: readonly EntryId[], policies: Policies) {
    this.missing = scope.find((id) => !policies.has(id))
    this.#policies = scope.flatMap((id) => policies.get(id) ?? [])
  }

  /**
   * Returns the policy that decides: one that denies, else one that allows; `undefined` if none applies. Allocates
   * nothing.
   *
   * @param names - The names of the resource, the canonical one first. A policy applies if it covers one of them.
   *   Conditions of a policy that allows see the canonical name. A policy that denies applies if its conditions hold
   *   for any of the names.
   */
  deciding(actor: Actor | undefined, action: string, names: Names, meta: Meta): Policy | undefined {
    const { denying, allowing } = this.#byAction.get(action) ?? this.#sort(action)
    if (typeof names === 'string') {
      return (
        speaking(denying, actor, action, names, names, meta) ?? speaking(allowing, actor, action, names, names, meta)
      )
    }
    for (const seen of names) {
      const denial = speakingOfAny(denying, actor, action, names, seen, meta)
      if (denial !== undefined) return denial
    }
    return speakingOfAny(allowing, actor, action, names, names[0], meta)
  }

  #sort(action: string): Rules {
    const concerned = this.#policies.filter(({ actions }) => actions.match(action))
    const form = formOf(action)
    const rules = {
      denying: sorted(
        concerned.filter(({ effect }) => effect === 'deny'),
        form,
      ),
      allowing: sorted(
        concerned.filter(({ effect }) => effect === 'allow'),
        form,
      ),
    }
    if (this.#byAction.size >= maxActions) this.#byAction.clear()
    this.#byAction.set(action, rules)
    return rules
  }
}

function sorted(policies: readonly Policy[], form: ResourceForm): Sorted {
  const ready = policies.map((policy) => ({ policy, resources: policy.resources.of(form) }))
  const names = new Set(ready.flatMap(({ resources }) => resources.names ?? []))
  const patterned = Map.groupBy(
    ready.filter(({ resources }) => resources.names === undefined),
    ({ policy }) => policy.resources.patterns.join('\n'),
  )
  const index = (of: readonly { readonly policy: Policy }[]) => new PolicyIndex(of.map(({ policy }) => policy))
  return {
    named: new Map(
      Array.from(names, (name) => [
        name,
        index(ready.filter(({ resources }) => resources.names?.includes(name) === true)),
      ]),
    ),
    others: Array.from(patterned.values()).flatMap((all) =>
      all.slice(0, 1).map(({ resources }) => ({ resources, index: index(all) })),
    ),
  }
}

/**
 * Returns the first policy about `name` whose conditions hold. Separate arguments, because a decision allocates
 * nothing.
 * @param seen - The name that conditions see.
 */
function speaking(
  { named, others }: Sorted,
  actor: Actor | undefined,
  action: string,
  name: string,
  seen: string,
  meta: Meta,
): Policy | undefined {
  const found = named.get(name)?.speaking(actor, action, seen, meta)
  if (found !== undefined) return found
  for (const { resources, index } of others) {
    if (!resources.match(name)) continue
    const speaks = index.speaking(actor, action, seen, meta)
    if (speaks !== undefined) return speaks
  }
  return undefined
}

/** Does the same for a resource that has several names. */
function speakingOfAny(
  sorted: Sorted,
  actor: Actor | undefined,
  action: string,
  names: readonly string[],
  seen: string,
  meta: Meta,
): Policy | undefined {
  for (const name of names) {
    const found = speaking(sorted, actor, action, name, seen, meta)
    if (found !== undefined) return found
  }
  return undefined
}
