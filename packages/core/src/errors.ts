/** Errors with a kind, a verdict on retrying, and details: the same in every thread. */

/** What went wrong, in one word. The set is closed, so that callers can switch on it. */
export type ErrorKind =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Invalid'
  | 'PermissionDenied'
  | 'Unavailable'
  | 'Internal'
  | 'Canceled'
  | 'Conflict'
  | 'Timeout'
  | 'RateLimited'
  | 'Unknown'

const kinds: ReadonlySet<string> = new Set<ErrorKind>([
  'NotFound',
  'AlreadyExists',
  'Invalid',
  'PermissionDenied',
  'Unavailable',
  'Internal',
  'Canceled',
  'Conflict',
  'Timeout',
  'RateLimited',
  'Unknown',
])

const retryableKinds: ReadonlySet<string> = new Set<ErrorKind>(['Unavailable', 'Timeout', 'RateLimited'])

/** Facts that belong to an error. Kept cloneable, so that they cross threads. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export interface TroupeErrorOptions {
  /**
   * Whether the same call may succeed later. An error that is marked `false` here is final: a supervised service that ends with it is not
   * started again.
   * @default true for `Unavailable`, `Timeout` and `RateLimited`, else false, without being final
   */
  readonly retryable?: boolean
  readonly details?: ErrorDetails
  readonly cause?: unknown
}

/**
 * The error that every part of Troupe throws.
 *
 * @example
 * ```ts
 * throw new TroupeError('NotFound', 'no process has the name "mailer"', { details: { name: 'mailer' } })
 * ```
 */
export class TroupeError extends Error {
  override name = 'TroupeError'
  readonly kind: ErrorKind
  readonly retryable: boolean
  readonly details: ErrorDetails
  /** Whether whoever threw it said that trying again is pointless. */
  readonly final: boolean

  constructor(kind: ErrorKind, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.retryable = options.retryable ?? retryableKinds.has(kind)
    this.details = options.details ?? {}
    this.final = options.retryable === false
  }
}

/** Whether `text` is one of the closed set of kinds. */
export function isErrorKind(text: unknown): text is ErrorKind {
  return typeof text === 'string' && kinds.has(text)
}

export const notFound = (message: string, details?: ErrorDetails) => build('NotFound', message, details)
export const invalid = (message: string, details?: ErrorDetails) => build('Invalid', message, details)
export const unavailable = (message: string, details?: ErrorDetails) => build('Unavailable', message, details)
export const denied = (message: string, details?: ErrorDetails) => build('PermissionDenied', message, details, false)

function build(kind: ErrorKind, message: string, details: ErrorDetails = {}, retryable?: boolean): TroupeError {
  const error = new TroupeError(kind, message, { details, ...(retryable !== undefined && { retryable }) })
  Error.captureStackTrace(error, build)
  return error
}
