/** One of a thing for each network. */
import { networkInForce } from './in-force.ts'
import { networkKey } from './pool-key.ts'
import { lostContext } from './refusal.ts'
import { isCallable } from './wrap.ts'

/**
 * One object in the hand, one for each overlay, life of an overlay and actor behind it: what keeps connections — a pool, a client — may
 * be made once at the top of a module and used in any frame. `make` runs at the first use in each, in that frame.
 *
 * Methods are called on the object of the frame in force; events and fields are that object's too.
 *
 * @example
 * ```ts
 * const pool = perOverlay(() => new Pool({ host: 'db.internal' }))
 * ```
 *
 * @throws TroupeError `PermissionDenied`, when it is used where no frame is in force.
 */
export function perOverlay<T extends object>(make: () => T): T {
  const made = new Map<string, T>()
  const pick = (): T => {
    if (networkInForce() === undefined) throw lostContext('an object made by perOverlay')
    const key = networkKey()
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make()
    made.set(key, fresh)
    return fresh
  }
  return standIn(pick)
}

function standIn<T extends object>(pick: () => T): T
function standIn(pick: () => object): object {
  return new Proxy(
    {},
    {
      get(_target, name) {
        const owner = pick()
        const value: unknown = Reflect.get(owner, name, owner)
        return isCallable(value) ? value.bind(owner) : value
      },
      set: (_target, name, value) => Reflect.set(pick(), name, value),
      has: (_target, name) => Reflect.has(pick(), name),
      getPrototypeOf: () => Reflect.getPrototypeOf(pick()),
    },
  )
}
