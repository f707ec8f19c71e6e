/** Converts failures of requests to Troupe's kinds of errors, and adds the request. */
import { asTroupeError, type EntryId, type ErrorKind, TroupeError } from '@troupe/core'
import { BodyFailed } from './body/read-in-context.ts'

export interface Where {
  readonly method: string
  readonly url: URL
  readonly overlay: EntryId | null | undefined
}

/** Returns a URL for errors and events, without query and credentials, because they can be secrets. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** Codes of undici for requests that could not be sent as they were given. */
const callersFault = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_REQ_RETRY',
])
const late = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])
/** Failed TLS verifications and invalid HTTP responses would be the same the next time. */
const lasting = /^(ERR_TLS_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HPE_|UND_ERR_HEADERS_OVERFLOW)/

const parserError = 'HTTPParserError'

/** Returns `thrown` as a TroupeError that names the request and its overlay. */
export function requestFailure(thrown: unknown, { method, url, overlay }: Where): TroupeError {
  const error = classify(thrown)
  const way = overlay === undefined ? '' : overlay === null ? ' in the clear' : ` through ${overlay}`
  return new TroupeError(error.kind, `${method} ${shownUrl(url)}${way}: ${error.message}`, {
    retryable: error.retryable,
    details: { ...error.details, method, url: shownUrl(url), ...(overlay !== undefined && { overlay }) },
    cause: thrown instanceof Error && thrown.name === parserError ? withoutData(thrown) : thrown,
  })
}

/** Removes the data that the parser could not read: it may contain secrets. */
function withoutData({ message }: Error): Error {
  return new Error(message)
}

function classify(thrown: unknown): TroupeError {
  if (thrown instanceof TroupeError) return thrown
  if (thrown instanceof BodyFailed) return named(asTroupeError(thrown.cause).kind, thrown.message)
  const code = codeOf(thrown) ?? (thrown instanceof Error && thrown.name === parserError ? 'HPE_INVALID' : undefined)
  if (code === undefined) return asTroupeError(thrown)
  const message = messageOf(thrown, code)
  if (callersFault.has(code)) return named('Invalid', message, { code })
  if (late.has(code)) return named('Timeout', message, { code })
  return new TroupeError('Unavailable', message, { details: { code }, retryable: !lasting.test(code) })
}

function named(kind: ErrorKind, message: string, details = {}): TroupeError {
  return new TroupeError(kind, message, { details })
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}

/** An AggregateError (one attempt for each address) has no message of its own. */
function messageOf(thrown: unknown, code: string): string {
  if (!(thrown instanceof Error)) return code
  if (thrown instanceof AggregateError)
    return thrown.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
  return thrown.message === '' ? code : thrown.message
}
