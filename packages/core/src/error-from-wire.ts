/**
 * Rebuilds errors from the form in which they crossed (`error-wire.ts`). That form may have been written by hostile
 * code: whatever it is, an error comes of it, at a cost that its size limits, and nothing is thrown.
 */
import { type ErrorDetails, isErrorKind, TroupeError } from './errors.ts'
import { define } from './value-wire/copier.ts'
import { valueFromBox } from './value-wire/value-wire.ts'
import type { WireError } from './wire-error.ts'

/** Causes within causes. {@link errorToWire} describes fewer. */
const maxDepth = 16
/** Errors of one value that are rebuilt with details and cause; the others have a name and a message. */
const maxErrors = 512
/** Own fields of an error that are restored. */
const maxFields = 256
/** What the language and the description itself define. */
const notFields: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause'])

/** The language's errors, by name. */
export const errorBases: ReadonlyMap<string, ErrorConstructor> = new Map(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((base) => [base.name, base]),
)

/**
 * Rebuilds the error that `errorToWire` described, so that it can be thrown here. The original's own fields become its
 * own fields, and are also in its details.
 */
export function errorFromWire(wire: WireError): TroupeError {
  return new Rebuilding().error(wire, 0)
}

/** For all errors inside one value, which share one limit. A class of the language, or of Troupe, is kept. */
export function errorsFromWire(): (wire: WireError) => Error {
  const rebuilding = new Rebuilding()
  return (wire) => rebuilding.value(wire, 0)
}

type Rebuild = (wire: unknown, depth: number) => Error

class Rebuilding {
  #left = maxErrors

  readonly error = (carried: unknown, depth: number): TroupeError => {
    const wire = checked(carried)
    const { kind, message, retryable, final } = wire
    const { details, fields, cause } = this.#parts(wire, depth, this.error)
    const error = new TroupeError(kind, message, {
      ...((retryable || final) && { retryable }),
      details: merged(details, fields),
      ...cause,
    })
    return finish(error, wire, fields)
  }

  readonly value = (carried: unknown, depth: number): Error => {
    const wire = checked(carried)
    const { base, kind, message, retryable, final } = wire
    if (base === undefined) return this.error(carried, depth)
    const { details, fields, cause } = this.#parts(wire, depth, this.value)
    const { errors } = fields
    const error =
      base === 'AggregateError'
        ? new AggregateError(Array.isArray(errors) ? errors : [], message, cause)
        : new (errorBases.get(base) ?? Error)(message, cause)
    if (kind !== 'Unknown') define(error, 'kind', kind)
    if (retryable || final) define(error, 'retryable', retryable)
    if (Object.keys(details).length > 0) define(error, 'details', details)
    return finish(error, wire, fields)
  }

  #parts({ details, fields, cause }: Checked, depth: number, rebuild: Rebuild) {
    this.#left -= 1
    if (this.#left < 0 || depth >= maxDepth) return { details: {}, fields: {} }
    return {
      fields: this.#record(fields, depth),
      details: this.#record(details, depth),
      ...(cause !== undefined && { cause: { cause: this.#cause(cause, depth + 1, rebuild) } }),
    }
  }

  #cause(carried: unknown, depth: number, rebuild: Rebuild): unknown {
    const { isValue, details } = isRecord(carried) ? carried : {}
    return isValue === true && depth < maxDepth ? this.#record(details, depth)['thrown'] : rebuild(carried, depth)
  }

  #record(carried: unknown, depth: number): ErrorDetails {
    const fields = valueFromBox(carried, (wire) => this.value(wire, depth + 1))
    return isRecord(fields) ? fields : {}
  }
}

type Checked = Omit<WireError, 'cause'> & { readonly cause?: unknown }

/** What is of another type than it should be is left out. */
function checked(carried: unknown): Checked {
  const wire: Readonly<Record<string, unknown>> = isRecord(carried) ? carried : {}
  const { name, base, kind, message, retryable, final, details, fields, stack, cause } = wire
  return {
    name: typeof name === 'string' ? name : 'Error',
    ...(typeof base === 'string' && { base }),
    kind: isErrorKind(kind) ? kind : 'Unknown',
    message: typeof message === 'string' ? message : '(an error that cannot be read)',
    retryable: retryable === true,
    final: final === true,
    details,
    fields,
    ...(typeof stack === 'string' && { stack }),
    cause,
  }
}

/** Restores what belongs to this error: its name, its stack and its own fields. */
function finish<T extends Error>(error: T, { name, stack }: Checked, fields: ErrorDetails): T {
  if (error.name !== name) setName(error, name)
  if (stack !== undefined) error.stack = stack
  for (const [key, value] of entriesOf(fields)) {
    if (notFields.has(key) || (key === 'errors' && error instanceof AggregateError)) continue
    if (!(error instanceof TroupeError && key in error)) define(error, key, value)
  }
  return error
}

/** Not enumerable, as in the language's own errors. */
function setName(error: Error, name: string): void {
  if (error instanceof TroupeError) error.name = name
  else Object.defineProperty(error, 'name', { value: name, enumerable: false, configurable: true, writable: true })
}

function merged(details: ErrorDetails, fields: ErrorDetails): ErrorDetails {
  const more = entriesOf(fields)
  return more.length === 0 ? details : Object.fromEntries([...entriesOf(details), ...more])
}

type Entries = readonly (readonly [string, unknown])[]

/** Many errors may have the same large object as their fields. */
const listed = new WeakMap<object, Entries>()

function entriesOf(fields: ErrorDetails): Entries {
  const known = listed.get(fields)
  if (known !== undefined) return known
  const entries = Object.entries(fields).slice(0, maxFields)
  listed.set(fields, entries)
  return entries
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
