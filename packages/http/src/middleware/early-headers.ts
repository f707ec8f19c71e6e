/** Headers that middleware sets before the handler runs. */
import type { MiddlewareHandler } from 'hono'

/**
 * Keeps what `inner` sets by `context.header()` before the handler has answered. hono puts that into responses which its own context makes,
 * and into others only once the context has a response already (`docs/discoveries/0025-headers-before-the-answer.md`).
 */
export function keepingEarlyHeaders(inner: MiddlewareHandler): MiddlewareHandler {
  return async (context, next) => {
    // Asking for it makes it.
    void context.res
    return inner(context, next)
  }
}
