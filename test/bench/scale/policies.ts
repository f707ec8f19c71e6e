/** Points of the curve of policies: a decision with many of them in scope. */
import { emptyFrame, entryId, fork } from '@troupe/core'
import { compilePolicy, Security } from '@troupe/policy/kernel'
import { conditioned, mixed } from '../decision.ts'
import { median, scaled } from '../measure.ts'

export function policies(count: number): Readonly<Record<string, number>> {
  return { conditioned: decision(count, conditioned), mixed: decision(count, mixed) }
}

/** Microseconds. */
function decision(count: number, fields: typeof mixed): number {
  const compiled = new Map(
    Array.from({ length: count }, (_, i) => [entryId(`bench:p${i}`), compilePolicy(entryId(`bench:p${i}`), fields(i))]),
  )
  const security = new Security({ policies: compiled, strictMode: true, log: () => undefined })
  const frame = fork(emptyFrame, { actor: { id: 'ann', meta: { role: 'reader' } }, scope: [...compiled.keys()] })
  const decisions = scaled(5000, 2)
  const round = () => {
    const start = performance.now()
    for (let i = 0; i < decisions; i += 1) security.decide(frame, 'document.read', 'docs:96_report', { owner: 'ann' })
    return ((performance.now() - start) / decisions) * 1000
  }
  // The first round builds the index of the policies, and compiles the code.
  round()
  const times = Array.from({ length: 7 }, round)
  return median(times)
}
