/**
 * The form in which any thrown value crosses threads: kind, message, retryable, details, cause and stack, with the name
 * and the own fields of the user's error. Structured clone alone would lose the fields and the class.
 */
import { inspect } from 'node:util'
import { errorBases, errorFromWire } from './error-from-wire.ts'
import { isErrorKind, TroupeError } from './errors.ts'
import { isRevoked } from './value-wire/revoked.ts'
import { copyForWire } from './value-wire/value-wire.ts'
import type { WireError } from './wire-error.ts'

/** Limits of a description: causes and nested errors are counted together. */
interface Budget {
  readonly depth: number
  readonly left: { errors: number }
}

const maxDepth = 8
const maxErrors = 256
const maxText = 64 * 1024
/** Fields of `WireError` itself, which are not repeated among the others. */
const ownFields = new Set(['name', 'message', 'stack', 'cause', 'final'])
/** Own fields of the language's errors that are not enumerable. */
const hiddenFields = ['errors', 'error', 'suppressed']

/** Returns plain data that describes any thrown value. Never throws, even when the value's getters do. */
export function errorToWire(thrown: unknown): WireError {
  try {
    return describe(thrown, { depth: 0, left: { errors: maxErrors } })
  } catch {
    // A receiver that waits for this error would otherwise wait without end.
    return { ...plain('Error', '(an error that cannot be described)'), details: {} }
  }
}

/** Like {@link errorToWire}, for all errors of one value, which share one size limit. */
export function errorsToWire(): (error: Error) => WireError {
  return describer({ depth: 0, left: { errors: maxErrors } })
}

/** Beyond the budget, an error is described by its name and message only. */
function describer(budget: Budget): (error: Error) => WireError {
  return (error) =>
    isSpent(budget)
      ? { ...plain(nameOf(error), text(read(error, 'message'), '')), details: {} }
      : describe(error, budget)
}

function describe(thrown: unknown, budget: Budget): WireError {
  budget.left.errors -= 1
  if (!isError(thrown))
    return { ...plain('Error', textOf(thrown)), details: carried({ thrown }, budget), isValue: true }
  const kind = read(thrown, 'kind')
  const retryable = read(thrown, 'retryable')
  const details = read(thrown, 'details')
  const stack = read(thrown, 'stack')
  const cause = read(thrown, 'cause')
  const fields = fieldsOf(thrown, {
    kind: isErrorKind(kind),
    retryable: typeof retryable === 'boolean',
    details: isRecord(details),
  })
  const base = baseOf(thrown)
  return {
    name: nameOf(thrown),
    ...(base !== undefined && { base }),
    kind: isErrorKind(kind) ? kind : 'Unknown',
    message: text(read(thrown, 'message'), '(an error whose message cannot be read)'),
    retryable: retryable === true,
    final: thrown instanceof TroupeError ? thrown.final : retryable === false,
    details: isRecord(details) ? carried(details, budget) : {},
    ...(fields !== undefined && { fields: carried(fields, budget) }),
    ...(typeof stack === 'string' && { stack: stack.slice(0, maxText) }),
    ...(cause !== undefined && !isSpent(budget) && { cause: describe(cause, deeper(budget)) }),
  }
}

/**
 * Returns any thrown value as a TroupeError: the value itself if it is one, otherwise a new one of kind `Unknown` or of
 * the kind that the value carries.
 */
export function asTroupeError(thrown: unknown): TroupeError {
  return thrown instanceof TroupeError ? thrown : errorFromWire(errorToWire(thrown))
}

function plain(name: string, message: string): Omit<WireError, 'details'> {
  return { name, kind: 'Unknown', message, retryable: false, final: false }
}

function isSpent({ depth, left }: Budget): boolean {
  return depth >= maxDepth || left.errors <= 0
}

function deeper({ depth, left }: Budget): Budget {
  return { depth: depth + 1, left }
}

/** The fields that can cross threads, copied; the others as text. */
function carried(fields: object, budget: Budget): unknown {
  const rules = {
    root: 'details',
    moved: nothing,
    // Errors also reach receivers in other networks, and must not carry anything that could do work there.
    sharesMemory: false,
    describe: describer(deeper(budget)),
    refuse: textOf,
  }
  const copies: [string, unknown][] = keysOf(fields).map((key) => [key, readOwn(fields, key)])
  return copyForWire(Object.fromEntries(copies), rules)
}

const nothing: ReadonlySet<unknown> = new Set()

/** Own fields that the description does not already contain; `described` lists the fields that it does contain. */
function fieldsOf(thrown: Error, described: Readonly<Record<string, boolean>>): object | undefined {
  const hidden = hiddenFields.filter((key) => hasOwn(thrown, key))
  const keys = keysOf(thrown).filter((key) => !ownFields.has(key) && described[key] !== true && !hidden.includes(key))
  // The class fields of a TroupeError count as described even where they are empty.
  if (keys.length + hidden.length === 0) return undefined
  return Object.fromEntries([...keys, ...hidden].map((key) => [key, readOwn(thrown, key)]))
}

/** Many classes set no `name`: the name of the class is used. */
function nameOf(thrown: Error): string {
  const name = text(read(thrown, 'name'), 'Error')
  const constructor = read(thrown, 'constructor')
  const own = typeof constructor === 'function' ? text(read(constructor, 'name'), '') : ''
  return isGeneral(name) && !isGeneral(own) && own !== '' && own !== 'Object' ? own : name
}

/** Whether the name is that of a class of the language or of Troupe. The name of a subclass is more specific. */
function isGeneral(name: string): boolean {
  return errorBases.has(name) || name === 'AggregateError' || name === 'TroupeError'
}

function baseOf(thrown: Error): string | undefined {
  if (thrown instanceof TroupeError) return undefined
  if (thrown instanceof AggregateError) return 'AggregateError'
  for (const [name, base] of errorBases) if (base !== Error && thrown instanceof base) return name
  return 'Error'
}

function read(target: object, key: string): unknown {
  try {
    return Reflect.get(target, key)
  } catch {
    return undefined
  }
}

/** An own field of the error, or text in place of a field that cannot be read. */
function readOwn(target: object, key: string): unknown {
  try {
    return Reflect.get(target, key)
  } catch {
    return '(a field that cannot be read)'
  }
}

function hasOwn(target: object, key: string): boolean {
  try {
    return Object.hasOwn(target, key)
  } catch {
    return false
  }
}

function keysOf(target: object): readonly string[] {
  try {
    return Object.keys(target)
  } catch {
    return []
  }
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value.slice(0, maxText) : fallback
}

/** Describes any value in words. */
function textOf(value: unknown): string {
  try {
    const words =
      typeof value === 'object' && value !== null && !isError(value) ? inspect(value, inspection) : String(value)
    return words.slice(0, maxText)
  } catch {
    return '(a value that cannot be shown)'
  }
}

const inspection = {
  depth: 2,
  breakLength: Number.POSITIVE_INFINITY,
  maxArrayLength: 20,
  maxStringLength: 1000,
} as const

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !isRevoked(value) && !Array.isArray(value)
}

/** `instanceof` reads from the value, which may be a proxy that throws. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}
