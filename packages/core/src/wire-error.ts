import type { ErrorKind } from './errors.ts'

/** An error as plain data. */
export interface WireError {
  readonly name: string
  /** The class of the language that it is of, or extends; none for one of ours, and for what is no error. */
  readonly base?: string
  readonly kind: ErrorKind
  readonly message: string
  readonly retryable: boolean
  /** See {@link TroupeError.final}. */
  readonly final: boolean
  /** `details` of the error, in the form of `value-wire.ts`. */
  readonly details: unknown
  /** Its other own fields, in the same form. */
  readonly fields?: unknown
  readonly stack?: string
  readonly cause?: WireError
  /** Set for what was thrown and is no error: it is `details.thrown`. */
  readonly isValue?: true
}
