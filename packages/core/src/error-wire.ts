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
  if (!(thrown instanceof Error)) return { ...plain('Error', describe(thrown)), details: cloneable({ thrown }) }
  const kind = read(thrown, 'kind')
  const retryable = read(thrown, 'retryable')
  const details = read(thrown, 'details')
  const stack = read(thrown, 'stack')
  const cause = read(thrown, 'cause')
  return {
    name: text(read(thrown, 'name'), 'Error'),
    kind: isErrorKind(kind) ? kind : 'Unknown',
    message: text(read(thrown, 'message'), '(an error whose message cannot be read)'),
    retryable: retryable === true,
    final: thrown instanceof TroupeError ? thrown.final : retryable === false,
    details: cloneable({ ...(isRecord(details) ? details : {}), ...fieldsOf(thrown) }),
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

function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(error)) {
    if (!ownFields.has(key)) fields[key] = read(error, key)
  }
  return fields
}

/** The fields that structured clone can carry, cloned; the others as text. */
function cloneable(fields: Record<string, unknown>): ErrorDetails {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    try {
      out[key] = structuredClone(value)
    } catch {
      out[key] = describe(value)
    }
  }
  return out
}
