/** Headers that middleware sets before the handler runs. */
import type { MiddlewareHandler } from 'hono'

/**
 * Keeps the headers that `inner` sets by `context.header()` before the handler has responded. hono adds them to
 * responses that its own context creates. It adds them to others only if the context already has a response
 * (`docs/discoveries/0025-headers-before-the-answer.md`).
 */
export function keepingEarlyHeaders(inner: MiddlewareHandler): MiddlewareHandler {
  return async (context, next) => {
    // Reading the property creates the response.
    void context.res
    return inner(context, next)
  }
}
