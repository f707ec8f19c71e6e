/**
 * Conditions and expressions of policies: each one is rejected, or gives a decision in bounded time for every question.
 */
import { TroupeError } from '@troupe/core'
import { beginDecision, TooCostly } from '../../packages/policy/src/condition/budget.ts'
import { compileCondition, conditionSchema, operators } from '../../packages/policy/src/condition/condition.ts'
import { compileExpression } from '../../packages/policy/src/condition/expression.ts'
import { textTarget } from './lib/inputs.ts'

const meta = { owner: 'ann', tags: ['a', 'b'], depth: { n: 1 }, text: 'a'.repeat(2000), size: 5 }
const actor = { id: 'ann', meta }

/** One decision: exceeding the cost limit is a denial. */
function decide(evaluate: () => unknown): unknown {
  beginDecision()
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof TooCostly) return false
    throw error
  }
}

function condition(input: string): void {
  for (const operator of operators) {
    for (const value of [input, [input], undefined]) {
      const parsed = conditionSchema.safeParse({ field: 'meta.text', operator, value })
      if (!parsed.success) continue
      const decided = decide(() => compileCondition(parsed.data)(actor, 'read', 'page', meta))
      if (typeof decided !== 'boolean') throw new Error(`${operator} answers ${String(decided)}`)
    }
  }
}

function expression(input: string): void {
  let evaluate: ReturnType<typeof compileExpression>
  try {
    evaluate = compileExpression(input)
  } catch (error) {
    if (error instanceof TroupeError && error.kind === 'Invalid') return
    throw error
  }
  try {
    beginDecision()
    evaluate({ actor, action: 'read', resource: 'page', meta })
  } catch (error) {
    // A condition that fails is a denial.
    if (error instanceof RangeError) throw error
  }
}

const target = textTarget({
  pieces: [
    'actor',
    '.id',
    '.meta',
    'meta',
    '.owner',
    '.tags',
    '.text',
    'action',
    'resource',
    ' == ',
    ' && ',
    ' || ',
    '!',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '"a"',
    "'",
    '1',
    '1u',
    '.all(x, ',
    '.exists(x, x == ',
    '.map(x, x)',
    '.matches("',
    '.matches(',
    '(a+)+$',
    '.*',
    '[a-z]',
    '\\',
    '"',
    ' in ',
    ' ? ',
    ' : ',
    'has(',
    'size(',
    'true',
    'null',
    ',',
    'b"',
    'r"',
    '"""',
    '\n',
    '//',
    '-',
    '9223372036854775808',
  ],
  check: (input) => {
    expression(input)
    condition(input)
  },
})
export default target.fuzz
export const { replay } = target
