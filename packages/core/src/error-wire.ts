/**
 * The form in which anything that was thrown crosses threads: kind, message, retryable, details, cause and stack, with
 * the name and the own fields of what user code threw. Structured clone alone would lose the fields and the class.
 */
import { type ErrorDetails, type ErrorKind, isErrorKind, TroupeError } from './errors.ts'

/** An error as plain data. */
export interface WireError {
  readonly name: string
  readonly kind: ErrorKind
  readonly message: string
  readonly retryable: boolean
  /** See {@link TroupeError.final}. */
  readonly final: boolean
  readonly details: ErrorDetails
  readonly stack?: string
  readonly cause?: WireError
}

const maxDepth = 8
const maxText = 64 * 1024
const ownFields = new Set(['name', 'message', 'stack', 'cause', 'kind', 'retryable', 'final', 'details'])

/** Describes anything thrown as plain data. Never throws itself, whatever getters the value has. */
export function errorToWire(thrown: unknown, depth = 0): WireError {
  if (!isError(thrown)) return { ...plain('Error', describe(thrown)), details: cloneable([['thrown', thrown]]) }
  const kind = read(thrown, 'kind')
  const retryable = read(thrown, 'retryable')
  const details = read(thrown, 'details')
  const stack = read(thrown, 'stack')
  const cause = read(thrown, 'cause')
  const errors = read(thrown, 'errors')
  return {
    name: text(read(thrown, 'name'), 'Error'),
    kind: isErrorKind(kind) ? kind : 'Unknown',
    message: text(read(thrown, 'message'), '(an error whose message cannot be read)'),
    retryable: retryable === true,
    final: thrown instanceof TroupeError ? thrown.final : retryable === false,
    details: cloneable([
      ...(isRecord(details) ? fieldsOf(details) : []),
      ...fieldsOf(thrown).filter(([key]) => !ownFields.has(key)),
      ...(errors === undefined ? [] : [['errors', errors] as const]),
    ]),
    ...(typeof stack === 'string' && { stack: stack.slice(0, maxText) }),
    ...(cause !== undefined && depth < maxDepth && { cause: errorToWire(cause, depth + 1) }),
  }
}

/** The error that {@link errorToWire} described, as one that can be thrown here. */
export function errorFromWire(wire: WireError): TroupeError {
  const error = new TroupeError(wire.kind, wire.message, {
    ...((wire.retryable || wire.final) && { retryable: wire.retryable }),
    details: wire.details,
    ...(wire.cause && { cause: errorFromWire(wire.cause) }),
  })
  error.name = wire.name
  if (wire.stack !== undefined) error.stack = wire.stack
  return error
}

/** Anything thrown as a TroupeError: itself when it is one, otherwise an equal of kind `Unknown` or of the kind it carries. */
export function asTroupeError(thrown: unknown): TroupeError {
  return thrown instanceof TroupeError ? thrown : errorFromWire(errorToWire(thrown))
}

function plain(name: string, message: string): WireError {
  return { name, kind: 'Unknown', message, retryable: false, final: false, details: {} }
}

function read(target: object, key: string): unknown {
  try {
    return Reflect.get(target, key)
  } catch {
    return undefined
  }
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value.slice(0, maxText) : fallback
}

function describe(value: unknown): string {
  try {
    return String(value).slice(0, maxText)
  } catch {
    return '(a value that cannot be shown)'
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `instanceof` asks the value, which may be a proxy that throws. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

type Field = readonly [key: string, value: unknown]

function fieldsOf(target: object): readonly Field[] {
  try {
    return Object.keys(target).map((key) => [key, read(target, key)])
  } catch {
    return []
  }
}

/** The fields that structured clone can carry, cloned; the others as text. */
function cloneable(fields: readonly Field[]): ErrorDetails {
  return Object.fromEntries(fields.map(([key, value]) => [key, carried(value)]))
}

function carried(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return describe(value)
  }
}
