/** Takes functions away. What stands in their place holds nothing by which they could be had back. */
import { sealedRefusal } from './sealed.ts'

/** Puts a refusal in the place of `names` of `owner`, for good. */
export function forbidMethods(owner: object, names: readonly string[], title: string): void {
  for (const name of names) {
    if (!(name in owner)) continue
    const value = () => {
      throw sealedRefusal(`${title} (${name})`)
    }
    Object.defineProperty(owner, name, { value, writable: false, enumerable: true, configurable: false })
  }
}

/** The same for a class, which its own instances and prototype do not tell any more either. */
export function forbidConstruction(owner: object, name: string, title: string): void {
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') return
  const prototype: unknown = original.prototype
  const refused = function refused(): never {
    throw sealedRefusal(`new ${title}.${name}`)
  }
  if (typeof prototype === 'object' && prototype !== null) {
    // `instanceof` goes on to tell what is one.
    Object.defineProperty(refused, 'prototype', { value: prototype })
    forgetConstructor(prototype)
  }
  Object.defineProperty(owner, name, { value: refused, writable: false, enumerable: true, configurable: false })
}

/** Keeps whoever has an instance from its constructor. */
export function forgetConstructor(prototype: object): void {
  Object.defineProperty(prototype, 'constructor', { value: undefined, writable: false, configurable: false })
}
