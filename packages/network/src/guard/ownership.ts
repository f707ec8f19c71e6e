/** An object that keeps connections belongs to the network in which it was first used; elsewhere it answers with an error. */
import { type NetworkInForce, networkInForce } from './in-force.ts'
import { crossing, lostContext, type Refusal } from './refusal.ts'
import { type Answer, fail, replaceMethod } from './wrap.ts'

const owners = new WeakMap<object, NetworkInForce>()

/** The error for using `thing` here; `undefined` where it is used in its own network, or for the first time. */
function claim(thing: object, title: string): Refusal | undefined {
  const user = networkInForce()
  if (!owners.has(thing)) {
    if (user === undefined) return lostContext(title)
    owners.set(thing, user)
    return undefined
  }
  const owner = owners.get(thing)
  // Work that the thing itself queued may have lost its context; where its connections lead is settled.
  return user === undefined || owner === user ? undefined : crossing(title, owner, user)
}

const guarded = new WeakSet<object>()

/** Has `names` of `prototype` check who owns the object that they are called on. */
export function guardOwned(prototype: unknown, names: readonly string[], title: string, answer: Answer = fail): void {
  if (typeof prototype !== 'object' || prototype === null || guarded.has(prototype)) return
  guarded.add(prototype)
  for (const name of names) {
    if (!Object.hasOwn(prototype, name)) continue
    replaceMethod(prototype, name, (target, self, args) => {
      const error = typeof self === 'object' && self !== null ? claim(self, title) : undefined
      return error ? answer(error, self, args) : Reflect.apply(target, self, args)
    })
  }
}
