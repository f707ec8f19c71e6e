/** The routes of a table, as hono routes them. */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { METHOD_NAME_ALL } from 'hono/router'
import type { EntryId } from '@troupe/core'
import type { StaticFields } from '../kinds.ts'
import { middleware } from '../middleware/index.ts'
import type { RequestIn } from './context.ts'
import type { ServerEnvironment } from './environment.ts'
import { problem } from './failure.ts'
import type { Answer } from './inline.ts'
import { bySpecificity, honoPath } from './pattern.ts'
import { serveFolder } from './static/folder.ts'
import type { EndpointRoute, EventsRoute, RouterRoutes, RouteTable, SocketRoute } from './table.ts'
import { middlewareTools } from './tools.ts'

export type App = Hono<ServerEnvironment>

/** What is done with a request that was routed. */
export interface Answers {
  readonly endpoint: (route: EndpointRoute, context: RequestIn) => Answer
  readonly socket: (route: SocketRoute, context: RequestIn) => Answer
  readonly stream: (route: EventsRoute, context: RequestIn) => Answer
  readonly failed: (error: unknown, context: RequestIn) => Answer
}

type Step = Handler<ServerEnvironment> | MiddlewareHandler<ServerEnvironment>

interface Route {
  readonly method: string
  readonly path: string
  /** @default the path, in hono's words */
  readonly matcher?: string
  readonly steps: readonly Step[]
}

/** Middleware of routers that are as they were goes on: it may keep counts. */
export class Chains {
  #known = new Map<string, readonly MiddlewareHandler[]>()

  /** The chains of a table; those of routers that it does not hold are forgotten. */
  of(routers: readonly RouterRoutes[]): ReadonlyMap<EntryId, readonly MiddlewareHandler[]> {
    const made = new Map<string, readonly MiddlewareHandler[]>()
    const chains = routers.map(({ entry, middleware: names, options }) => {
      const key = JSON.stringify([entry, names, options])
      const chain = this.#known.get(key) ?? names.map((name) => middleware(name, options, middlewareTools))
      made.set(key, chain)
      return [entry, chain] as const
    })
    this.#known = made
    return new Map(chains)
  }
}

/** @throws TroupeError for middleware that has wrong options. */
export function appOf({ routers, statics }: RouteTable, chains: Chains, answers: Answers): App {
  const app: App = new Hono<ServerEnvironment>()
  const byRouter = chains.of(routers)
  const routes = [
    ...routers.flatMap((router) => routesOf(router, byRouter.get(router.entry) ?? [], answers)),
    ...statics.map(({ fields }) => staticRoute(fields)),
  ].toSorted(bySpecificity)
  for (const { method, path, matcher = honoPath(path), steps } of routes) {
    app.on(method === '*' ? METHOD_NAME_ALL : method, [matcher], ...steps)
  }
  const methods = [...new Set(routes.map(({ method }) => method))]
  app.notFound(({ req }) => absent(app, methods, req.path))
  app.onError((error, context) => answers.failed(error, context))
  return app
}

function routesOf(router: RouterRoutes, chain: readonly MiddlewareHandler[], answers: Answers): readonly Route[] {
  const { endpoints, sockets, streams } = router
  const paths = new Set(endpoints.filter(({ method }) => method === 'OPTIONS' || method === '*').map(({ path }) => path))
  const unasked = [...new Set(endpoints.map(({ path }) => path))].filter((path) => !paths.has(path))
  return [
    ...endpoints.map((route) => {
      const { method, path } = route
      return { method, path, steps: [...routed(chain, route), (context: RequestIn) => answers.endpoint(route, context)] }
    }),
    ...sockets.map((route) => {
      const { path } = route
      return { method: 'GET', path, steps: [...routed(chain, route), (context: RequestIn) => answers.socket(route, context)] }
    }),
    ...streams.map((route) => {
      const { path } = route
      return { method: 'GET', path, steps: [...routed(chain, route), (context: RequestIn) => answers.stream(route, context)] }
    }),
    // Pages ask for leave by this method before they ask for more (CORS): the middleware of the router answers.
    ...(chain.length === 0 ? [] : unasked.map((path) => ({ method: 'OPTIONS', path, steps: [...chain, options(endpoints, path)] }))),
  ]
}

/** Middleware is told where the request goes; where there is none, nobody asks. */
function routed(chain: readonly MiddlewareHandler[], route: EndpointRoute | EventsRoute | SocketRoute): readonly Step[] {
  if (chain.length === 0) return []
  const tell: MiddlewareHandler<ServerEnvironment> = async ({ env }, next) => {
    env.route = route
    await next()
  }
  return [tell, ...chain]
}

function options(endpoints: readonly EndpointRoute[], path: string): Handler<ServerEnvironment> {
  const allowed = endpoints.filter((route) => route.path === path).map(({ method }) => method)
  const allow = allowOf([...allowed, 'OPTIONS'])
  return () => new Response(null, { status: 204, headers: { allow } })
}

/** Its wildcard needs no name, and spares hono the slower of its routers. */
function staticRoute(fields: StaticFields): Route {
  const path = fields.path.endsWith('/') ? `${fields.path}*` : `${fields.path}/*`
  return { method: 'GET', path, matcher: path, steps: [serveFolder(fields)] }
}

/** 405 where the path is known for other methods, else 404. */
function absent(app: App, methods: readonly string[], path: string): Response {
  const allowed = methods.filter((method) => method !== '*' && app.router.match(method, path)[0].length > 0)
  return allowed.length === 0 ? problem(404) : problem(405, undefined, { allow: allowOf(allowed) })
}

function allowOf(methods: readonly string[]): string {
  const all = new Set(methods)
  if (all.has('GET')) all.add('HEAD')
  return [...all].toSorted().join(', ')
}
