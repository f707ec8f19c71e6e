/** Puts a check in front of Node's own functions. Their names, properties and promisified forms stay the same. */
import type { TroupeError } from '@troupe/core'

/** Any function, with any arguments. */
export type Callable = (this: unknown, ...args: readonly unknown[]) => unknown

/** How a refused call reports its error. */
export type Answer = (error: TroupeError, self: unknown, args: readonly unknown[]) => unknown

export const fail: Answer = (error) => {
  throw error
}

export const reject: Answer = async (error) => {
  throw error
}

/** Calls the callback in a later turn, as Node does for its own errors; throws if there is no callback. */
export const callBack: Answer = (error, _self, args) => {
  const callback = args.at(-1)
  if (typeof callback !== 'function') throw error
  process.nextTick(() => void Reflect.apply(callback, undefined, [error]))
}

/**
 * Calls `fn`, if it is a function, in a later turn, so that its exception rejects no promise. Returns whether it is a
 * function.
 */
export function callLater(fn: unknown, ...args: readonly unknown[]): boolean {
  if (!isCallable(fn)) return false
  process.nextTick(() => void Reflect.apply(fn, undefined, args))
  return true
}

export function isCallable(value: unknown): value is Callable {
  return typeof value === 'function'
}

/** The function that is called in place of another. */
export type Replacement = (original: Callable, self: unknown, args: readonly unknown[]) => unknown

/** Makes calls of `owner[name]` call `instead`; if there is no such function, nothing changes. */
export function replaceMethod(owner: object, name: PropertyKey, instead: Replacement): void {
  const original: unknown = Reflect.get(owner, name)
  if (isCallable(original)) Reflect.set(owner, name, new Proxy(original, { apply: instead }))
}

/**
 * Like {@link replaceMethod}, with a plain function that replaces the original. For functions that are called often: a
 * proxy costs more than most of the functions behind it.
 */
export function replaceFunction(owner: object, name: PropertyKey, make: (original: Callable) => Callable): void {
  const original: unknown = Reflect.get(owner, name)
  if (!isCallable(original)) return
  const made = make(original)
  Object.defineProperties(made, { name: { value: original.name }, length: { value: original.length } })
  Reflect.set(owner, name, made)
}
