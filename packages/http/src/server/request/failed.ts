/** Requests that fail. */
import { logFailure } from './log.ts'
import { problem, statusOf } from './problem.ts'
import type { RequestCall } from './request-call.ts'
import { pathOf } from './target.ts'

/** Logs the reason of a failed request, and returns the response: the client is sent only the kind of error. */
export function failed(error: unknown, call: RequestCall, { method, url }: Pick<Request, 'method' | 'url'>): Response {
  const status = statusOf(error)
  // The rest of the body is not read.
  if (status === 413 || status === 408) call.stopReading()
  const { frameOfRequest: frame } = call
  logFailure(call, frame, error, { method, path: pathOf(url), status })
  return problem(status, frame.trace)
}
