/**
 * Expressions in CEL (https://github.com/google/cel-spec), restricted to what is fast to evaluate: no macro inside
 * another or on the result of another, no functions that build up data, regular expressions by RE2. The data of an
 * expression is bounded too (`limits.ts`). Before the evaluation an expression pays its maximum cost over data of that
 * size (`budget.ts`).
 */
import type * as CelPackage from '@marcbachmann/cel-js'
import type { ASTNode, Environment } from '@marcbachmann/cel-js'
import { invalid, lazyModule, weigh } from '@troupe/core'
import { createRequire } from 'node:module'
import { spend } from './budget.ts'
import { expressionCost, macros } from './expression-cost.ts'
import { maxMetaWeight } from '../limits.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { Meta } from '../attributes.ts'

const cel = lazyModule<typeof CelPackage>(() => createRequire(import.meta.url)('@marcbachmann/cel-js'))

/** The variables of an expression. */
export type ExpressionInput = {
  readonly actor: { readonly id: string; readonly meta: Meta } | null
  readonly action: string
  readonly resource: string
  readonly meta: Meta
}

/** Returns the result of the expression; throws where it fails, for example on an absent key. @throws TooCostly */
export type Expression = (input: ExpressionInput) => unknown

const maxLength = 2048
const maxMacros = 4
const limits = { maxAstNodes: 128, maxDepth: 24, maxListElements: 64, maxMapEntries: 16, maxCallArguments: 4 }

const functions = new Set(['bool', 'double', 'dyn', 'has', 'int', 'size', 'string', 'type'])
const methods = new Set([
  ...macros,
  'contains',
  'endsWith',
  'indexOf',
  'lowerAscii',
  'matches',
  'size',
  'startsWith',
  'substring',
  'trim',
  'upperAscii',
])

/**
 * The method that replaces `matches`, which in the library uses JavaScript's own expressions and could backtrack
 * without end.
 */
const safeMatches = 're2Matches'

/**
 * Prepares an expression.
 *
 * @throws TroupeError `Invalid` when it is not valid CEL, does not return a bool, or could take long.
 */
export function compileExpression(source: string): Expression {
  if (source.length > maxLength) throw refused(`it is longer than ${maxLength} characters`)
  const patterns = new Map<string, Pattern>()
  const environment = new (cel().Environment)({ homogeneousAggregateLiterals: false, limits })
    .registerVariable('actor', 'map')
    .registerVariable('action', 'string')
    .registerVariable('resource', 'string')
    .registerVariable('meta', 'map')
    .registerFunction(
      `string.${safeMatches}(string): bool`,
      (text: string, pattern: string) => patterns.get(pattern)?.test(text) ?? false,
    )
  const written = parsed(environment, source)
  const calls = callsIn(written.ast)
  checkCalls(calls)
  for (const { name, args } of calls) if (name === 'matches') patterns.set(...patternOf(args[0]))
  const text = withSafeMatches(source, calls)
  const expression = parsed(environment, text)
  if (callsIn(expression.ast).some(({ name }) => name === 'matches'))
    throw refused('it writes "matches" where no call is: leave that out')
  const { valid, type, error } = expression.check()
  if (!valid) throw refused(firstLine(error))
  if (type !== 'bool' && type !== 'dyn') throw refused(`it returns ${type}, not bool`)
  const costs = new Map<number, number>()
  return (input): unknown => {
    const size = sizeOf(input)
    const cost = costs.get(size) ?? expressionCost(written.ast, size)
    costs.set(size, cost)
    spend(cost)
    const answer: unknown = expression(input)
    // An expression continues where a part of it fails: `true ||` hides a part that was too costly.
    spend(0)
    return answer
  }
}

/**
 * Returns the size of the largest part of the input, rounded up to a power of two, so that an expression's cost is
 * computed for few sizes.
 */
function sizeOf({ actor, action, resource, meta }: ExpressionInput): number {
  const size = Math.max(
    action.length,
    resource.length,
    weighed(meta),
    actor === null ? 0 : Math.max(actor.id.length, weighed(actor.meta)),
  )
  return 2 ** Math.ceil(Math.log2(Math.max(size, 1)))
}

function weighed(facts: Meta): number {
  // Heavier data counts as a size that no decision can pay for.
  const weight = weigh(facts, maxMetaWeight)
  return weight > maxMetaWeight ? Number.POSITIVE_INFINITY : weight
}

type Parsed = ReturnType<Environment['parse']>

function parsed(environment: Environment, source: string): Parsed {
  try {
    return environment.parse(source)
  } catch (error) {
    throw refused(firstLine(error))
  }
}

interface Call {
  readonly name: string
  readonly receiver: ASTNode | undefined
  readonly args: readonly ASTNode[]
  /** Whether it is part of a macro: of the list that the macro reads, or of its body. */
  readonly inMacro: boolean
}

function callsIn(node: ASTNode, inMacro = false): Call[] {
  const within = (nodes: readonly ASTNode[], deeper = inMacro) => nodes.flatMap((each) => callsIn(each, deeper))
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return callsIn(node.args[0], inMacro)
    case '!_':
    case '-_':
      return callsIn(node.args, inMacro)
    case 'map':
      return node.args.flatMap((entry) => within(entry))
    case 'call':
      return [{ name: node.args[0], receiver: undefined, args: node.args[1], inMacro }, ...within(node.args[1])]
    case 'rcall': {
      const [name, receiver, args] = node.args
      return [{ name, receiver, args, inMacro }, ...within([receiver, ...args], inMacro || macros.has(name))]
    }
    default:
      return within(node.args)
  }
}

function checkCalls(calls: readonly Call[]): void {
  let count = 0
  for (const { name, receiver, inMacro } of calls) {
    if (!(receiver === undefined ? functions : methods).has(name))
      throw refused(`it calls ${name}(), which policies do not have`)
    if (receiver === undefined || !macros.has(name)) continue
    count += 1
    if (inMacro)
      throw refused(
        `${name}() stands inside or after another macro: its time would grow with the product of their lists`,
      )
  }
  if (count > maxMacros) throw refused(`it has more than ${maxMacros} macros`)
}

function patternOf(argument: ASTNode | undefined): [string, Pattern] {
  if (argument?.op !== 'value' || typeof argument.args !== 'string')
    throw refused('matches() takes a regular expression that is written out')
  return [argument.args, compilePattern(argument.args)]
}

/** Returns the source with `matches` replaced, the last one first, so that the text before it keeps its position. */
function withSafeMatches(source: string, calls: readonly Call[]): string {
  const places = calls
    .filter(({ name }) => name === 'matches')
    .map(({ receiver }) => source.indexOf('matches', receiver?.end))
    .toSorted((a, b) => b - a)
  let text = source
  for (const at of places) text = `${text.slice(0, at)}${safeMatches}${text.slice(at + 'matches'.length)}`
  return text
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n', 1)[0] ?? message
}

function refused(reason: string) {
  return invalid(`the expression cannot be used: ${reason}`, { reason })
}
