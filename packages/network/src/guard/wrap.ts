/** Puts a check in front of Node's own functions. They stay what they are for everyone who looks: names, fields, promisify. */
import type { TroupeError } from '@troupe/core'
import { refusal } from './in-force.ts'

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

/** Refuses `names` of `owner` while an overlay is in force, unless `exempt` says that this one may. */
export function refuseMethods(
  owner: object,
  names: readonly string[],
  title: string,
  answer: Answer,
  exempt?: (self: unknown) => boolean,
): void {
  for (const name of names) {
    const original: unknown = Reflect.get(owner, name)
    if (typeof original !== 'function') continue
    const what = title.endsWith(`.${name}`) ? title : `${title}.${name}`
    const guarded = new Proxy(original, {
      apply(target, self: unknown, args) {
        const error = exempt?.(self) ? undefined : refusal(what)
        if (error) return answer(error, self, args)
        const result: unknown = Reflect.apply(target, self, args)
        return result
      },
    })
    Reflect.set(owner, name, guarded)
  }
}
