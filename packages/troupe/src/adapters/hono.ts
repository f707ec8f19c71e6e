/** Hono. */
import type { App } from '../embed/app.ts'
import { type AdapterOptions, RequestContexts, within } from './request-context.ts'

/** A context of Hono, as far as the adapter uses it. */
export interface HonoContextLike {
  /** The request: as Hono got it, and its path. */
  readonly req: { readonly raw: Request; readonly path: string }
}

/**
 * Returns a middleware: handlers after it run with the actor, the trace and the deadline of their request.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 *
 * const server = new Hono()
 * server.use(honoTroupe(app, { timeout: '5s' }))
 * ```
 *
 * @throws TroupeError `Invalid` for a `timeout` that is no duration.
 */
export function honoTroupe(
  app: App,
  options: AdapterOptions<Request> = {},
): (context: HonoContextLike, next: () => Promise<void>) => Promise<Response | undefined> {
  const contexts = new RequestContexts<Request>(app, options)
  return async ({ req }, next) => {
    if (req.path === contexts.health) {
      const { code, body } = contexts.status()
      return Response.json(body, { status: code })
    }
    await within(contexts.begin(req.raw, req.raw.headers.get('traceparent'), req.raw.headers.get('tracestate')), next)
    return undefined
  }
}
