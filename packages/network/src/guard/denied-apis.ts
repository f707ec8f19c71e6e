/**
 * Refuses APIs that no overlay carries, by the table of ways out (`ways-out/`). In the clear network these functions
 * are Node's own.
 */
import { isBuiltin } from 'node:module'
import { property } from '../sockets/internals.ts'
import { refusedWays } from './ways-out/refused.ts'
import type { RefusedWay } from './ways-out/way.ts'
import { deniedError } from './errors.ts'
import { isWholeProgram } from './whole-program.ts'
import { type Answer, callBack, fail, isCallable, reject, type Replacement } from './node/patch.ts'

const answers: Readonly<Record<NonNullable<RefusedWay['answer']>, Answer>> = { throw: fail, reject, callback: callBack }

/** Names that this version of Node, or its flags, lack are skipped. */
export function denyWaysOut(): void {
  for (const { module, names, advice, programAdvice, answer = 'throw', only, own, by } of refusedWays) {
    const root = by === undefined ? moduleOf(module) : undefined
    if (root === undefined) continue
    for (const name of names.split(' ')) {
      const path = name.split('.')
      const last = path.pop() ?? name
      const owner = path.reduce(property, root)
      if ((typeof owner !== 'object' && typeof owner !== 'function') || owner === null) continue
      refuseMethod(owner, last, {
        what: titleOf(module, name),
        advice: isWholeProgram() ? (programAdvice ?? advice) : advice,
        answer: answers[answer],
        ...(only && { only: only.test }),
        ...(own && { own }),
      })
    }
  }
}

/** Returns the usual name of a function: `sqlite.DatabaseSync.loadExtension`. */
export function titleOf(module: string, name: string): string {
  const plain = name.replace('.prototype.', '.')
  return module === 'globalThis' ? plain : `${module.replace('node:', '').replace('/', '.')}.${plain}`
}

/** Returns a module of Node, without the warning that an experimental one prints. */
function moduleOf(name: string): unknown {
  if (name === 'globalThis') return globalThis
  if (name === 'process') return process
  if (!isBuiltin(name)) return undefined
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule(name)
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
}

/** How one function is refused. */
interface RefusedMethod {
  /** The function, as errors name it. */
  readonly what: string
  readonly answer: Answer
  /** What to do instead. @default the advice for all APIs that no overlay carries */
  readonly advice?: string | undefined
  /** Which calls are refused. @default all */
  readonly only?: (args: readonly unknown[]) => boolean
  /** Which calls are allowed nevertheless. @default none */
  readonly own?: (args: readonly unknown[]) => boolean
}

/**
 * Refuses to call or construct `owner[name]` outside the clear network; if there is no such function, nothing changes.
 */
function refuseMethod(owner: object, name: string, { what, answer, advice, only, own }: RefusedMethod): void {
  const original: unknown = Reflect.get(owner, name)
  if (!isCallable(original)) return
  const errorFor = (title: string, args: readonly unknown[]) =>
    only?.(args) === false || own?.(args) === true ? undefined : deniedError(title, advice)
  const apply: Replacement = (target, self, args) => {
    const error = errorFor(what, args)
    return error ? answer(error, self, args) : Reflect.apply(target, self, args)
  }
  const guarded = new Proxy(original, {
    apply,
    construct(target, args, newTarget) {
      const error = errorFor(`new ${what}`, args)
      if (error) throw error
      const made: unknown = Reflect.construct(target, args, newTarget)
      if (typeof made === 'object' && made !== null) return made
      throw new TypeError(`${what} is not a constructor`)
    },
  })
  Reflect.set(owner, name, guarded)
}
