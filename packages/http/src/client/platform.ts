/** Members of the platform's classes, which its types call fields, so that a class of ours cannot override them by its own syntax. */

type Member<T> = (self: T) => unknown

/** Defines getters and methods without arguments on a prototype, as the platform's own are. */
export function override<T extends object>(
  prototype: T,
  { getters = {}, methods = {} }: { getters?: Readonly<Record<string, Member<T>>>; methods?: Readonly<Record<string, Member<T>>> },
): void {
  for (const [name, member] of Object.entries(getters)) {
    const get = function get(this: T) {
      return member(this)
    }
    Object.defineProperty(prototype, name, { get, enumerable: true, configurable: true })
  }
  for (const [name, member] of Object.entries(methods)) {
    const value = function value(this: T) {
      return member(this)
    }
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true })
  }
}
