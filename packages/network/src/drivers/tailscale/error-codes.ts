/** The error codes of the sidecar, and their kinds here (`packages/tsnet/PROTOCOL.md`, Codes). */
import { type ErrorKind, TroupeError } from '@troupe/core'

interface Meaning {
  readonly kind: ErrorKind
  /** A retry cannot succeed. */
  readonly final?: true
  /** The tailnet's result for the target: the node itself works. */
  readonly target?: true
}

const meanings: Readonly<Record<string, Meaning>> = {
  EPROTO: { kind: 'Internal' },
  EINVAL: { kind: 'Invalid' },
  EEXIST: { kind: 'AlreadyExists' },
  EADDRINUSE: { kind: 'AlreadyExists' },
  EBUSY: { kind: 'Conflict', final: true },
  EAUTH: { kind: 'PermissionDenied', final: true },
  ESTATE: { kind: 'Invalid', final: true },
  EDELETED: { kind: 'Unavailable', final: true },
  ECANCELED: { kind: 'Canceled' },
  ENOTFOUND: { kind: 'Unavailable', target: true },
  EFILTERED: { kind: 'Unavailable', target: true },
  EHOSTUNREACH: { kind: 'Unavailable', target: true },
  ECONNREFUSED: { kind: 'Unavailable', target: true },
  ECONNRESET: { kind: 'Unavailable', target: true },
  ETIMEDOUT: { kind: 'Timeout' },
}

/** An unknown code counts as a failure that a retry may overcome. */
export function meaningOf(code: string): Meaning {
  return meanings[code] ?? { kind: 'Unavailable' }
}

/** The error reply of the sidecar, in its own words. */
export interface Refusal {
  readonly code: string
  readonly error: string
}

/** Converts a refusal to an error. It does not name the request: the caller adds that. */
export function refusalError({ code, error }: Refusal): TroupeError {
  const { kind, final } = meaningOf(code)
  return new TroupeError(kind, `${error} (${code})`, { details: { code }, ...(final && { retryable: false }) })
}
