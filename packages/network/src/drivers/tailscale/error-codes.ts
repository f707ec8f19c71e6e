/** What the sidecar returns when something fails, and what that is here (`packages/tsnet/PROTOCOL.md`, Codes). */
import { type ErrorKind, TroupeError } from '@troupe/core'

interface Meaning {
  readonly kind: ErrorKind
  /** Trying again is pointless. */
  readonly final?: true
  /** It is the tailnet's word on the target: the node itself works. */
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

/** A code that is not known says that something failed, which may work another time. */
export function meaningOf(code: string): Meaning {
  return meanings[code] ?? { kind: 'Unavailable' }
}

/** What the sidecar answers in place of what was asked for, in its own words. */
export interface Refusal {
  readonly code: string
  readonly error: string
}

/** A refusal as an error, which does not tell of what: that is for whoever asked. */
export function refusalError({ code, error }: Refusal): TroupeError {
  const { kind, final } = meaningOf(code)
  return new TroupeError(kind, `${error} (${code})`, { details: { code }, ...(final && { retryable: false }) })
}
