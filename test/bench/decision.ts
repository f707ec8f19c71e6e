/** Measures the cost of a decision with 100 policies in scope. */
import { emptyFrame, type EntryId, entryId, fork } from '@troupe/core'
import { compilePolicy, type ExpressionFields, type PolicyFields, Security } from '@troupe/policy/kernel'
import { median } from './measure.ts'

type Fields = PolicyFields | ExpressionFields

/** All concern the same resources, each with its own condition: the last allows, one in ten would deny. */
export function conditioned(i: number): Fields {
  const common = { actions: ['document.*'], resources: ['docs:*'], groups: [] }
  const [field, value] = i === 96 ? ['meta.owner', 'ann'] : ['actor.meta.role', `role_${i}`]
  return { ...common, effect: i % 10 === 0 ? 'deny' : 'allow', conditions: [{ field, operator: 'eq', value }] }
}

/** Of ten: seven that allow by resource and role, two that deny by a condition, one in CEL. */
export function mixed(i: number): Fields {
  const common = { actions: ['document.*'], resources: [`docs:${i}_*`], groups: [] }
  const reader = { field: 'actor.meta.role', operator: 'eq', value: 'reader' } as const
  if (i % 10 < 7) return { ...common, effect: 'allow', conditions: [reader] }
  if (i % 10 < 9) {
    return {
      ...common,
      resources: ['*'],
      effect: 'deny',
      conditions: [{ field: 'meta.owner', operator: 'eq', value: `banned_${i}` }],
    }
  }
  return { ...common, effect: 'allow', expression: 'meta.owner == actor.id' }
}

export interface DecisionCost {
  readonly microseconds: number
  /** Bytes of heap for each decision. */
  readonly bytes: number
}

/** Measures a question that all deny policies and nearly all others are evaluated for. Run with `--expose-gc`. */
export function decisionCost(count: number, fields: (i: number) => Fields): DecisionCost {
  const policies = new Map(
    Array.from({ length: 100 }, (_, i) => [entryId(`bench:p${i}`), compilePolicy(entryId(`bench:p${i}`), fields(i))]),
  )
  const scope: readonly EntryId[] = [...policies.keys()]
  const security = new Security({ policies, strictMode: true, log: () => undefined })
  const frame = fork(emptyFrame, { actor: { id: 'ann', meta: { role: 'reader' } }, scope })
  const meta = { owner: 'ann' }
  const round = (decisions: number): number => {
    const start = performance.now()
    for (let i = 0; i < decisions; i += 1) {
      if (security.decide(frame, 'document.read', 'docs:96_report', meta) !== 'allow')
        throw new Error('the benchmark asks what is denied')
    }
    return ((performance.now() - start) / decisions) * 1000
  }
  round(count)
  const microseconds = median(Array.from({ length: 5 }, () => round(count)))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  round(count)
  return { microseconds, bytes: Math.max(0, process.memoryUsage().heapUsed - before) / count }
}
