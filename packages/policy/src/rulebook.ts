/** The policies of one scope, sorted by what they are about, so that a decision looks at few of them. */
import type { Actor, EntryId } from '@troupe/core'
import type { Policies, Policy } from './policy.ts'
import type { Meta } from './question.ts'
import type { ResourcePatterns } from './resource-patterns.ts'
import { Shelf } from './shelf.ts'
import { canonicalResource } from './url-pattern.ts'

/** Actions that a rulebook keeps sorted; beyond, as when code makes names up, it begins anew. */
const maxActions = 256

interface Rules {
  readonly denying: Sorted
  readonly allowing: Sorted
}

interface Sorted {
  /** Policies whose resources are names, by name. */
  readonly named: ReadonlyMap<string, Shelf>
  readonly others: readonly { readonly resources: ResourcePatterns; readonly shelf: Shelf }[]
}

export class Rulebook {
  /** A policy that the scope names and that is not there: it may have been one that denied. */
  readonly missing: EntryId | undefined
  readonly #policies: readonly Policy[]
  readonly #byAction = new Map<string, Rules>()

  constructor(scope: readonly EntryId[], policies: Policies) {
    this.missing = scope.find((id) => !policies.has(id))
    this.#policies = scope.flatMap((id) => policies.get(id) ?? [])
  }

  /** The policy that decides: any that denies, else one that allows; `undefined` when none says anything. Allocates nothing, except for a URL. */
  deciding(actor: Actor | undefined, action: string, resource: string, meta: Meta): Policy | undefined {
    const { denying, allowing } = this.#byAction.get(action) ?? this.#sort(action)
    const named = canonicalResource(action, resource)
    return speaking(denying, actor, action, named, meta) ?? speaking(allowing, actor, action, named, meta)
  }

  #sort(action: string): Rules {
    const concerned = this.#policies.filter(({ actions }) => actions.match(action))
    const rules = {
      denying: sorted(concerned.filter(({ effect }) => effect === 'deny')),
      allowing: sorted(concerned.filter(({ effect }) => effect === 'allow')),
    }
    if (this.#byAction.size >= maxActions) this.#byAction.clear()
    this.#byAction.set(action, rules)
    return rules
  }
}

function sorted(policies: readonly Policy[]): Sorted {
  const names = new Set(policies.flatMap(({ resources }) => resources.names ?? []))
  const patterned = Map.groupBy(
    policies.filter(({ resources }) => resources.names === undefined),
    ({ resources }) => resources.patterns.join('\n'),
  )
  return {
    named: new Map(
      Array.from(names, (name) => [name, new Shelf(policies.filter(({ resources }) => resources.names?.includes(name) === true))]),
    ),
    others: Array.from(patterned.values()).flatMap((shelf) =>
      shelf.slice(0, 1).map(({ resources }) => ({ resources, shelf: new Shelf(shelf) })),
    ),
  }
}

function speaking({ named, others }: Sorted, actor: Actor | undefined, action: string, resource: string, meta: Meta): Policy | undefined {
  const found = named.get(resource)?.speaking(actor, action, resource, meta)
  if (found !== undefined) return found
  for (const { resources, shelf } of others) {
    if (!resources.match(resource)) continue
    const speaks = shelf.speaking(actor, action, resource, meta)
    if (speaks !== undefined) return speaks
  }
  return undefined
}
