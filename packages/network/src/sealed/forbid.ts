/** Removes functions. Their replacements hold no reference to the originals. */
import { sealedRefusal } from './sealed.ts'

/** Permanently replaces the methods `names` of `owner` with functions that throw. */
export function forbidMethods(owner: object, names: readonly string[], title: string): void {
  for (const name of names) {
    if (!(name in owner)) continue
    const value = () => {
      throw sealedRefusal(`${title} (${name})`)
    }
    Object.defineProperty(owner, name, { value, writable: false, enumerable: true, configurable: false })
  }
}

/** The same for a class, which also becomes unreachable through its instances and prototype. */
export function forbidConstruction(owner: object, name: string, title: string): void {
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') return
  const prototype: unknown = original.prototype
  const refused = function refused(): never {
    throw sealedRefusal(`new ${title}.${name}`)
  }
  if (typeof prototype === 'object' && prototype !== null) {
    // `instanceof` continues to recognise instances.
    Object.defineProperty(refused, 'prototype', { value: prototype })
    forgetConstructor(prototype)
  }
  Object.defineProperty(owner, name, { value: refused, writable: false, enumerable: true, configurable: false })
}

/** Makes the constructor unreachable from instances. */
export function forgetConstructor(prototype: object): void {
  Object.defineProperty(prototype, 'constructor', { value: undefined, writable: false, configurable: false })
}
