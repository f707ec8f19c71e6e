/** Conditions of policies: a field of the question, an operator, and a value or another field. */
import { isDeepStrictEqual } from 'node:util'
import { invalid } from '@troupe/core'
import { z } from 'zod'
import { searchCost, spend } from './budget.ts'
import { maxMetaWeight } from '../limits.ts'
import { compilePattern } from './pattern.ts'
import { type PolicyQuery, fieldReader, isField } from '../attributes.ts'

/** The operators. Those that begin with `n` are the negations, and also hold for absent fields. */
export const operators = [
  'eq',
  'ne',
  'lt',
  'gt',
  'lte',
  'gte',
  'in',
  'nin',
  'exists',
  'nexists',
  'contains',
  'ncontains',
  'matches',
  'nmatches',
] as const
export type Operator = (typeof operators)[number]

const field = z.string().refine(isField, 'expected actor.id, actor.meta.…, action, resource or meta.…')

/** A condition as an entry writes it. */
export const conditionSchema = z
  .strictObject({
    field: field.describe('`actor.id`, `actor.meta.…`, `action`, `resource` or `meta.…`.'),
    operator: z
      .enum(operators)
      .describe('How they are compared. The operators that begin with `n` are negations, and hold for absent fields.'),
    value: z.unknown().optional().describe('The value to compare with.'),
    valueFrom: field.optional().describe('Compares with another field instead of a value.'),
  })
  .superRefine((condition, context) => {
    const fault = faultOf(condition)
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [fault.path], message: fault.message })
  })

export type Condition = z.output<typeof conditionSchema>

/** Returns a function that checks whether a question meets the condition. */
export function compileCondition(condition: Condition): PolicyQuery<boolean> {
  const fault = faultOf(condition)
  if (fault !== undefined) throw invalid(fault.message, { path: fault.path })
  const { operator, value, valueFrom } = condition
  const left = fieldReader(condition.field)
  const compare = comparisons[operator](value)
  if (valueFrom === undefined)
    return (actor, action, resource, meta) => compare(left(actor, action, resource, meta), value)
  const right = fieldReader(valueFrom)
  return (actor, action, resource, meta) =>
    compare(left(actor, action, resource, meta), right(actor, action, resource, meta))
}

/** Values of one field without which a condition does not hold. */
export interface Requirement {
  readonly field: string
  readonly values: readonly (string | number | boolean)[]
}

/**
 * Returns what the condition requires of one field, if anything: a policy that requires other values need not be
 * evaluated.
 */
export function requirementOf({ field: name, operator, value, valueFrom }: Condition): Requirement | undefined {
  if (valueFrom !== undefined) return undefined
  const values: unknown = operator === 'eq' ? [value] : operator === 'in' ? value : undefined
  return Array.isArray(values) && values.every(isKey) ? { field: name, values } : undefined
}

/** Returns whether a `Map` finds the value exactly where `===` does. */
function isKey(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value))
}

type Compare = (left: unknown, right: unknown) => boolean

const not =
  (compare: Compare): Compare =>
  (left, right) =>
    !compare(left, right)

/** Maximum cost of comparing two structures, one of which is a fact. */
const structureCost = 4 * maxMetaWeight

/**
 * An absent field equals nothing, not even another absent field: otherwise two missing fields would be the same owner.
 */
function equal(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return false
  if (typeof left !== 'object' || left === null || typeof right !== 'object') return left === right
  spend(structureCost)
  return isDeepStrictEqual(left, right)
}

/** Orders numbers with numbers and text with text; returns NaN otherwise, for which no comparison holds. */
function order(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left === right ? 0 : left - right
  if (typeof left === 'string' && typeof right === 'string') return left === right ? 0 : left < right ? -1 : 1
  return Number.NaN
}

function among(left: unknown, right: unknown): boolean {
  if (!Array.isArray(right)) return false
  spend(right.length)
  for (const each of right) if (equal(left, each)) return true
  return false
}

function exists(left: unknown): boolean {
  return left !== undefined && left !== null
}

function contains(left: unknown, right: unknown): boolean {
  if (typeof left === 'string' && typeof right === 'string') spend(searchCost(left.length, right.length))
  return typeof left === 'string' ? typeof right === 'string' && left.includes(right) : among(right, left)
}

function matcher(value: unknown): Compare {
  const pattern = compilePattern(String(value))
  return (left) => typeof left === 'string' && pattern.test(left)
}

/** The comparison of each operator; `value` is the policy's value, for operators that prepare something from it. */
const comparisons: Readonly<Record<Operator, (value: unknown) => Compare>> = {
  eq: () => equal,
  ne: () => not(equal),
  lt: () => (left, right) => order(left, right) < 0,
  gt: () => (left, right) => order(left, right) > 0,
  lte: () => (left, right) => order(left, right) <= 0,
  gte: () => (left, right) => order(left, right) >= 0,
  in: () => among,
  nin: () => not(among),
  exists: () => exists,
  nexists: () => not(exists),
  contains: () => contains,
  ncontains: () => not(contains),
  matches: matcher,
  nmatches: (value) => not(matcher(value)),
}

interface Written {
  readonly operator: Operator
  readonly value?: unknown
  readonly valueFrom?: string | undefined
}

function faultOf({
  operator,
  value,
  valueFrom,
}: Written): { path: 'value' | 'valueFrom'; message: string } | undefined {
  const given = value !== undefined
  if (operator === 'exists' || operator === 'nexists') {
    return given || valueFrom !== undefined
      ? { path: given ? 'value' : 'valueFrom', message: `${operator} compares with nothing` }
      : undefined
  }
  if (given === (valueFrom !== undefined))
    return { path: 'value', message: `${operator} takes either value or value_from` }
  if (operator === 'matches' || operator === 'nmatches') return patternFault(value)
  if ((operator === 'in' || operator === 'nin') && given && !Array.isArray(value))
    return { path: 'value', message: 'expected a list' }
  const ordered = operator === 'lt' || operator === 'gt' || operator === 'lte' || operator === 'gte'
  if (ordered && given && typeof value !== 'number' && typeof value !== 'string')
    return { path: 'value', message: 'expected a number or text' }
  return undefined
}

function patternFault(value: unknown): { path: 'value'; message: string } | undefined {
  if (typeof value !== 'string') return { path: 'value', message: 'expected a regular expression, written out' }
  try {
    compilePattern(value)
    return undefined
  } catch (error) {
    return { path: 'value', message: error instanceof Error ? error.message : String(error) }
  }
}
