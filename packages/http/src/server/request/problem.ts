/** The error responses for clients: a status by the kind of the error, without internal details. */
import { asTroupeError, type ErrorKind, parseTrace } from '@troupe/core'
import { STATUS_CODES } from 'node:http'
import { BodyTooLarge, BodyTooSlow, isMalformed } from './request-body.ts'

const statuses: Readonly<Record<ErrorKind, number>> = {
  Invalid: 400,
  PermissionDenied: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  RateLimited: 429,
  Canceled: 503,
  Unavailable: 503,
  Timeout: 504,
  Internal: 500,
  Unknown: 500,
}

export function statusOf(error: unknown): number {
  if (error instanceof BodyTooLarge) return 413
  if (error instanceof BodyTooSlow) return 408
  if (isMalformed(error)) return 400
  return statuses[asTroupeError(error).kind]
}

/** Returns a problem response (RFC 9457). `trace` identifies the log line with the details. */
export function problem(status: number, trace?: string, headers: Readonly<Record<string, string>> = {}): Response {
  const traceId = trace === undefined ? undefined : parseTrace(trace)?.traceId
  const body = JSON.stringify({
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...(traceId !== undefined && { trace: traceId }),
  })
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } })
}
