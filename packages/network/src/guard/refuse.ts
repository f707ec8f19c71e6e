/** Refuses what no overlay carries, by the table of ways out (`ways-out/`). In the clear these functions are Node's own. */
import { isBuiltin } from 'node:module'
import { property } from './internals.ts'
import { refusedWays } from './ways-out/refused.ts'
import type { RefusedWay } from './ways-out/way.ts'
import { type Answer, callBack, fail, refuseMethod, reject } from './wrap.ts'

const answers: Readonly<Record<NonNullable<RefusedWay['answer']>, Answer>> = { throw: fail, reject, callback: callBack }

/** Names that this Node, or its flags, lack are skipped. */
export function refuseWaysOut(): void {
  for (const { module, names, advice, answer = 'throw', only, own, by } of refusedWays) {
    const root = by === undefined ? moduleOf(module) : undefined
    if (root === undefined) continue
    for (const name of names.split(' ')) {
      const path = name.split('.')
      const last = path.pop() ?? name
      const owner = path.reduce(property, root)
      if ((typeof owner !== 'object' && typeof owner !== 'function') || owner === null) continue
      refuseMethod(owner, last, {
        what: titleOf(module, name),
        advice,
        answer: answers[answer],
        ...(only && { only: only.test }),
        ...(own && { own }),
      })
    }
  }
}

/** The name by which people know it: `sqlite.DatabaseSync.loadExtension`. */
export function titleOf(module: string, name: string): string {
  const plain = name.replace('.prototype.', '.')
  return module === 'globalThis' ? plain : `${module.replace('node:', '').replace('/', '.')}.${plain}`
}

/** A module as Node hands it out, without the warning that one which nobody uses is experimental. */
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
