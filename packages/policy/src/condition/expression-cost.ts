/**
 * Computes the maximum cost of an expression over data of a given size, from its syntax tree. Sizes add up where texts
 * and lists are joined. The body of a macro costs its price once for each element.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { searchCost } from './budget.ts'

/**
 * `fixed + each × |x|`, where `|x|` is the size of the current element of a macro. Sizes are weights (`weigh` of
 * `@troupe/core`).
 */
interface Bound {
  readonly fixed: number
  readonly each: number
}

interface Estimate {
  /** In units of the budget of a decision. */
  readonly cost: Bound
  readonly size: Bound
}

export const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

/** The cost of evaluating a node itself. */
const step = 10
/** The cost that a macro adds for each element. */
const turn = 30
/** Minimum weight of an element of a list, and the weight of a scalar. */
const scalar = 8
/** Maximum number of characters that a case mapping makes of one. */
const caseGrowth = 3
const none: Bound = { fixed: 0, each: 0 }
const one: Bound = { fixed: scalar, each: 0 }

/**
 * Returns the cost in units of the budget of a decision, without regular expressions, which pay for themselves.
 * Infinite for an unknown node.
 *
 * @param size - Maximum size of each of `actor`, `action`, `resource` and `meta`.
 */
export function expressionCost(ast: ASTNode, size: number): number {
  return new Estimator(size).of(ast, undefined).cost.fixed
}

class Estimator {
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  /** @param element - The variable of the macro around the node, if there is one. Macros do not nest. */
  of(node: ASTNode, element: string | undefined): Estimate {
    const within = (child: ASTNode) => this.of(child, element)
    switch (node.op) {
      case 'value':
        return { cost: flat(step), size: typeof node.args === 'string' ? flat(node.args.length) : one }
      case 'id':
        return {
          cost: flat(step),
          size: node.args === element ? { fixed: 0, each: 1 } : flat(this.#size * (node.args === 'actor' ? 2 : 1)),
        }
      case '.':
      case '.?':
        return step1(within(node.args[0]))
      case '[]':
      case '[?]': {
        const [receiver, index] = node.args.map(within)
        return receiver && index ? { cost: sum(flat(step), receiver.cost, index.cost), size: receiver.size } : unknown
      }
      case '!_':
      case '-_':
        return { cost: step1(within(node.args)).cost, size: one }
      case '?:':
        return joined(node.args.map(within), none)
      case 'list':
        return joined(node.args.map(within), flat(scalar * node.args.length))
      case 'map':
        return joined(
          node.args.flatMap((entry) => entry.map(within)),
          flat(2 * scalar * node.args.length),
        )
      case 'call':
        return consumed(node.args[1].map(within))
      case 'rcall':
        return this.#method(node.args, element)
      case '+': {
        const parts = node.args.map(within)
        const { cost, size } = joined(parts, none)
        return { cost: sum(cost, size), size }
      }
      case '||':
      case '&&':
        return { cost: joined(node.args.map(within), none).cost, size: one }
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
      case 'in':
      case '-':
      case '*':
      case '/':
      case '%':
        return { cost: consumed(node.args.map(within)).cost, size: one }
      default:
        return unknown
    }
  }

  #method([name, target, args]: readonly [string, ASTNode, readonly ASTNode[]], element: string | undefined): Estimate {
    const receiver = this.of(target, element)
    if (macros.has(name)) return this.#macro(name, receiver, args)
    const parts = args.map((each) => this.of(each, element))
    const { cost } = consumed([receiver, ...parts])
    const size = scaled(receiver.size, name === 'lowerAscii' || name === 'upperAscii' ? caseGrowth : 1)
    if (name === 'matches') return { cost, size: one }
    const sought = parts[0]?.size ?? none
    // The element is one of the data.
    const longest = sought.fixed + sought.each * 2 * this.#size
    return { cost: sum(cost, scaled(receiver.size, searchCost(1, longest))), size }
  }

  #macro(name: string, list: Estimate, [variable, ...bodies]: readonly ASTNode[]): Estimate {
    if (variable?.op !== 'id') return unknown
    const body = joined(
      bodies.map((each) => this.of(each, variable.args)),
      none,
    )
    const elements = list.size.fixed / scalar + 1
    const all = ({ fixed, each }: Bound) => flat(elements * fixed + list.size.fixed * each)
    const size = name === 'map' ? all(sum(body.size, one)) : name === 'filter' ? list.size : one
    return { cost: sum(list.cost, all(sum(body.cost, flat(turn))), size), size }
  }
}

const unknown: Estimate = { cost: flat(Number.POSITIVE_INFINITY), size: flat(Number.POSITIVE_INFINITY) }

function flat(fixed: number): Bound {
  return { fixed, each: 0 }
}

function sum(...bounds: readonly Bound[]): Bound {
  let [fixed, each] = [0, 0]
  for (const bound of bounds) {
    fixed += bound.fixed
    each += bound.each
  }
  return { fixed, each }
}

function scaled({ fixed, each }: Bound, factor: number): Bound {
  return { fixed: fixed * factor, each: each * factor }
}

function step1({ cost, size }: Estimate): Estimate {
  return { cost: sum(cost, flat(step)), size }
}

/** Returns the estimate of a value that joins all parts. */
function joined(parts: readonly Estimate[], extra: Bound): Estimate {
  return {
    cost: sum(flat(step), ...parts.map(({ cost }) => cost)),
    size: sum(extra, ...parts.map(({ size }) => size)),
  }
}

/** Returns the estimate of an operation that reads each part. */
function consumed(parts: readonly Estimate[]): Estimate {
  const { cost, size } = joined(parts, flat(32))
  return { cost: sum(cost, size), size }
}
