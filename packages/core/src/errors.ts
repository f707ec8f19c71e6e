/** Errors with a kind, a retryable flag, and details: the same in every thread. */

/** The category of a failure, in one word. The set is closed, so that callers can switch on it. */
export type ErrorKind =
  /** No such entry, process, name, overlay or file exists, or the caller is not allowed to know it. */
  | 'NotFound'
  /** The name, entry, address or state belongs to another owner. */
  | 'AlreadyExists'
  /** An argument, a message, an entry or the configuration is wrong. The message names the field. */
  | 'Invalid'
  /** A policy denies the action, or the network or the host of the thread does not allow it. */
  | 'PermissionDenied'
  /** What is needed is down, stopped, full or cannot be reached now. */
  | 'Unavailable'
  /** A part of Troupe failed in a way that it should not. Report it. */
  | 'Internal'
  /** The caller, a supervisor or an operator cancelled the work. */
  | 'Canceled'
  /** The state has changed meanwhile, or another application uses it. */
  | 'Conflict'
  /** The time or the deadline of the call is over. */
  | 'Timeout'
  /** A limit of calls, actors or connections is reached. */
  | 'RateLimited'
  /** Code of the application threw an error of its own, which is neither of the others. */
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

/** Facts about an error. They are cloneable, so that they cross threads. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** What a {@link TroupeError} holds besides its kind and message. */
export interface TroupeErrorOptions {
  /**
   * Whether the same call may succeed later. An error that is explicitly `false` here is final: a supervised service
   * that ends with it is not restarted.
   * @default true for `Unavailable`, `Timeout` and `RateLimited`; otherwise false, without being final
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
  /** `TroupeError`, or the name of the error of user code that it stands for. */
  override name = 'TroupeError'
  /** What kind of failure it is; code decides by it what to do. */
  readonly kind: ErrorKind
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** What a program can read: plain data, without secrets. */
  readonly details: ErrorDetails
  /** Whether the thrower explicitly marked a retry as pointless. */
  readonly final: boolean

  /**
   * Creates an error.
   *
   * @example
   * ```ts
   * throw new TroupeError('Unavailable', 'the mail server is busy', { retryable: false })
   * ```
   *
   * @param kind - What code decides by.
   * @param message - What happened, where, and what to do: without secrets.
   */
  constructor(kind: ErrorKind, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.retryable = options.retryable ?? retryableKinds.has(kind)
    this.details = options.details ?? {}
    this.final = options.retryable === false
  }
}

/** Returns whether `text` is a known kind. */
export function isErrorKind(text: unknown): text is ErrorKind {
  return typeof text === 'string' && kinds.has(text)
}

/** Returns a {@link TroupeError} of the kind `NotFound`. */
export const notFound = (message: string, details?: ErrorDetails) => build('NotFound', message, details)
/** Returns a {@link TroupeError} of the kind `Invalid`. */
export const invalid = (message: string, details?: ErrorDetails) => build('Invalid', message, details)
/** Returns a {@link TroupeError} of the kind `Unavailable`, which is retryable. */
export const unavailable = (message: string, details?: ErrorDetails) => build('Unavailable', message, details)
/** Returns a {@link TroupeError} of the kind `PermissionDenied`; it is final. */
export const denied = (message: string, details?: ErrorDetails) => build('PermissionDenied', message, details, false)

function build(kind: ErrorKind, message: string, details: ErrorDetails = {}, retryable?: boolean): TroupeError {
  const error = new TroupeError(kind, message, { details, ...(retryable !== undefined && { retryable }) })
  Error.captureStackTrace(error, build)
  return error
}
