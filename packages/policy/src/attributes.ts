/** The parts of a question to policies, and the names of these parts in conditions. */
import type { Actor } from '@troupe/core'

/** Facts about one request for permission. */
export type Meta = Readonly<Record<string, unknown>>

/**
 * Reads a question: `actor` requests `action` on `resource`. Separate arguments, because a decision that allows
 * allocates nothing.
 */
export type PolicyQuery<T> = (actor: Actor | undefined, action: string, resource: string, meta: Meta) => T

const roots = new Set(['actor.id', 'action', 'resource'])
const paths = ['actor.meta.', 'meta.']

/** Returns whether `field` names a part of a question. */
export function isField(field: string): boolean {
  return (
    roots.has(field) ||
    paths.some((path) => field.startsWith(path) && !field.slice(path.length).split('.').includes(''))
  )
}

/** Returns a function that reads `field` from questions; it returns `undefined` where the field is absent. */
export function fieldReader(field: string): PolicyQuery<unknown> {
  if (field === 'action') return (_actor, action) => action
  if (field === 'resource') return (_actor, _action, resource) => resource
  if (field === 'actor.id') return (actor) => actor?.id
  if (field.startsWith('actor.meta.')) {
    const [key = '', ...path] = field.slice('actor.meta.'.length).split('.')
    return (actor) => valueAt(partOf(actor?.meta, key), path)
  }
  const [key = '', ...path] = field.slice('meta.'.length).split('.')
  return (_actor, _action, _resource, meta) => valueAt(partOf(meta, key), path)
}

function partOf(facts: Meta | undefined, key: string): unknown {
  return facts !== undefined && Object.hasOwn(facts, key) ? facts[key] : undefined
}

/** Reads own properties alone: an inherited one such as `constructor` is no fact about an actor. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = Reflect.get(at, step)
  }
  return at
}
