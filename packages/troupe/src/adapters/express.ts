/** Express, Connect, and whatever else calls `(request, response, next)`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../embed/app.ts'
import { type AdapterOptions, RequestContexts, within } from './request-context.ts'

/**
 * Returns a middleware: handlers after it run with the actor, the trace and the deadline of their request.
 *
 * @example
 * ```ts
 * // `request.user` is set by the middleware that authenticates. A header of the client proves nothing.
 * server.use(expressTroupe(app, { actor: (request) => ({ id: request.user.id, meta: {} }) }))
 * ```
 *
 * @throws TroupeError `Invalid` for a `timeout` that is no duration.
 */
export function expressTroupe<Request extends IncomingMessage = IncomingMessage>(
  app: App,
  options: AdapterOptions<Request> = {},
): (request: Request, response: ServerResponse, next: () => void) => void {
  const contexts = new RequestContexts(app, options)
  return (request, response, next) => {
    const [path] = (request.url ?? '').split('?')
    if (path === contexts.health) {
      const { code, body } = contexts.status()
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      return
    }
    within(contexts.begin(request, request.headers['traceparent'], request.headers['tracestate']), next)
  }
}
