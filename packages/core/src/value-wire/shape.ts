/** Classifies what structured clone does with the instances of a class. */
import { EventEmitter } from 'node:events'

/**
 * `plain`: an object without a class. `native`: structured clone knows the class, such as `Blob` and `KeyObject`.
 * `fields`: a user's class, whose own fields are carried. `lost`: structured clone would drop everything useful, such
 * as for an `AbortSignal`.
 */
export type Shape = 'plain' | 'native' | 'fields' | 'lost'

const known = new WeakMap<object, Shape>()

/** @throws what structured clone threw for an object that it does not carry at all, such as a `URL` or a port. */
export function shapeOf(value: object): Shape {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || typeof prototype !== 'object' || prototype === null) return 'plain'
  const before = known.get(prototype)
  if (before !== undefined) return before
  const shape = find(value, prototype)
  known.set(prototype, shape)
  return shape
}

function find(value: object, prototype: object): Shape {
  if (isRoot(prototype)) return 'plain'
  const isForeign = value instanceof EventEmitter || isOfPlatform(prototype)
  try {
    const copied: unknown = structuredClone(value)
    const isKept = typeof copied === 'object' && copied !== null && Object.getPrototypeOf(copied) !== Object.prototype
    if (isKept) return 'native'
  } catch (error) {
    // A field of a user's class may be the reason: copying field by field finds its path.
    if (isForeign || Object.keys(value).length === 0) throw error
  }
  return isForeign ? 'lost' : 'fields'
}

/** `Object.prototype` of another context. */
function isRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** Whether the class is, or extends, a class that Node has as a global. */
function isOfPlatform(prototype: object): boolean {
  for (let at: unknown = prototype; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    const constructor: unknown = Reflect.get(at, 'constructor')
    if (typeof constructor !== 'function' || isRoot(at)) continue
    const { enumerable } = Object.getOwnPropertyDescriptor(globalThis, constructor.name) ?? {}
    // Globals that the application defined are enumerable.
    if (enumerable === false && Reflect.get(globalThis, constructor.name) === constructor) return true
  }
  return false
}
