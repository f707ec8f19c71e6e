/** Fastify. */
import type { Slot } from '@troupe/core'
import type { IncomingHttpHeaders } from 'node:http'
import type { App } from '../embed/app.ts'
import { type AdapterOptions, RequestContexts, within } from './request-context.ts'

/** A request, as far as the adapter knows it. */
export interface FastifyRequestLike {
  /** The headers of the request. */
  readonly headers: IncomingHttpHeaders
}

interface Reply {
  code(status: number): { send(body: unknown): unknown }
}

type Hook = (request: FastifyRequestLike, reply: Reply, done: () => void) => void

/** An instance of Fastify, as far as the adapter uses it. */
export interface FastifyLike {
  /** Adds a hook that runs for each request. */
  addHook(name: 'onRequest' | 'preValidation', hook: Hook): unknown
  /** Adds a hook that runs when the instance closes. */
  addHook(name: 'onClose', hook: () => Promise<void>): unknown
  /** Adds the health route. */
  get(path: string, handler: (request: FastifyRequestLike, reply: Reply) => unknown): unknown
}

/**
 * Returns a plugin: handlers run with the actor, the trace and the deadline of their request, and `close` of the
 * instance stops the application. It applies to all routes of the instance, as plugins of `fastify-plugin` do.
 *
 * @example
 * ```ts
 * import fastify from 'fastify'
 *
 * const server = fastify()
 * await server.register(fastifyTroupe(app, { timeout: '5s' }))
 * ```
 *
 * @throws TroupeError `Invalid` for a `timeout` that is no duration.
 */
export function fastifyTroupe<Request extends FastifyRequestLike = FastifyRequestLike>(
  app: App,
  options: AdapterOptions<Request> = {},
): (instance: FastifyLike, _: unknown, done: () => void) => void {
  const contexts = new RequestContexts<Request>(app, options)
  const begun = new WeakMap<object, Slot>()
  const plugin = (instance: FastifyLike, _: unknown, done: () => void) => {
    instance.addHook('onRequest', (request, _reply, next) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller names the type of its requests
      const slot = contexts.begin(request as Request, request.headers['traceparent'], request.headers['tracestate'])
      begun.set(request, slot)
      within(slot, next)
    })
    // The body arrives in the context of the connection.
    instance.addHook('preValidation', (request, _reply, next) => {
      const slot = begun.get(request)
      if (slot === undefined) next()
      else within(slot, next)
    })
    instance.addHook('onClose', async () => app.stop())
    if (contexts.health !== null) {
      instance.get(contexts.health, (_request, reply) => {
        const { code, body } = contexts.status()
        return reply.code(code).send(body)
      })
    }
    done()
  }
  // What `fastify-plugin` sets: the hooks apply to the instance that registers the plugin.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'troupe' })
}
