/** Puts a check in front of Node's own functions. They stay what they are for everyone who looks: names, fields, promisify. */
import type { TroupeError } from '@troupe/core'

/** Any function, as it is called by whoever calls it. */
export type Callable = (this: unknown, ...args: readonly unknown[]) => unknown

/** How a refused call tells its caller. */
export type Answer = (error: TroupeError, self: unknown, args: readonly unknown[]) => unknown

export const fail: Answer = (error) => {
  throw error
}

export const reject: Answer = async (error) => {
  throw error
}

/** By the callback, in a later turn as Node's own errors are; by throwing where there is none. */
export const callBack: Answer = (error, _self, args) => {
  const callback = args.at(-1)
  if (typeof callback !== 'function') throw error
  process.nextTick(() => void Reflect.apply(callback, undefined, [error]))
}

/** Calls `fn`, where it is a function, in a later turn: what it throws is nobody's rejection. Returns whether it is one. */
export function callLater(fn: unknown, ...args: readonly unknown[]): boolean {
  if (!isCallable(fn)) return false
  process.nextTick(() => void Reflect.apply(fn, undefined, args))
  return true
}

export function isCallable(value: unknown): value is Callable {
  return typeof value === 'function'
}

/** What is called in place of a function. */
export type Replacement = (original: Callable, self: unknown, args: readonly unknown[]) => unknown

/** Has `instead` called in place of `owner[name]`; where there is no such function, nothing changes. */
export function replaceMethod(owner: object, name: PropertyKey, instead: Replacement): void {
  const original: unknown = Reflect.get(owner, name)
  if (isCallable(original)) Reflect.set(owner, name, new Proxy(original, { apply: instead }))
}

/**
 * Like {@link replaceMethod}, with a plain function that takes the place of the one that it is given. For what is called often: a proxy costs
 * more than most of what stands behind it.
 */
export function replaceFunction(owner: object, name: PropertyKey, make: (original: Callable) => Callable): void {
  const original: unknown = Reflect.get(owner, name)
  if (!isCallable(original)) return
  const made = make(original)
  Object.defineProperties(made, { name: { value: original.name }, length: { value: original.length } })
  Reflect.set(owner, name, made)
}
