/** Express, Connect, and whatever else calls `(request, response, next)`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../embed/app.ts'
import { type AdapterOptions, RequestContexts, within } from './request-context.ts'

/**
 * Returns a middleware: handlers after it run with the actor, the trace and the deadline of their request.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import type { IncomingMessage } from 'node:http'
 *
 * // `user` is set by the middleware that authenticates. A header of the client proves nothing.
 * const actor = ({ user }: IncomingMessage & { readonly user?: string }) => user ? { id: user, meta: {} } : undefined
 * const server = express()
 * server.use(expressTroupe(app, { actor }))
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
