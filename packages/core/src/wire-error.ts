import type { ErrorKind } from './errors.ts'

/** An error as plain data. */
export interface WireError {
  readonly name: string
  /**
   * The language's class that the error belongs to or extends; absent for a TroupeError, and for a value that is not an
   * error.
   */
  readonly base?: string
  readonly kind: ErrorKind
  readonly message: string
  readonly retryable: boolean
  /** See {@link TroupeError.final}. */
  readonly final: boolean
  /** The error's `details`, in the form of `value-wire.ts`. */
  readonly details: unknown
  /** Its other own fields, in the same form. */
  readonly fields?: unknown
  readonly stack?: string
  readonly cause?: WireError
  /** Set when the thrown value is not an error: the value is in `details.thrown`. */
  readonly isValue?: true
}
