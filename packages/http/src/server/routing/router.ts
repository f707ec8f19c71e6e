/** The routes of a table, as hono routes them. */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { METHOD_NAME_ALL } from 'hono/router'
import type { EntryId } from '@troupe/core'
import type { StaticFields } from '../../config/kinds.ts'
import { middleware } from '../../middleware/index.ts'
import type { RequestIn } from '../request/handler-context.ts'
import type { ServerEnvironment } from '../request/request-call.ts'
import { headless } from '../request/discard.ts'
import { problem } from '../request/problem.ts'
import type { Answer } from '../request/run-handler.ts'
import { bySpecificity, honoPath, shapeOf, staticPath } from './pattern.ts'
import { serveFolder } from '../static/folder.ts'
import type { EndpointRoute, EventsRoute, RouterRoutes, RouteTable, SocketRoute } from './route-table.ts'
import { middlewareContext } from './middleware-context.ts'

export interface Router {
  readonly fetch: (request: Request, environment: ServerEnvironment['Bindings']) => Answer
  /** Returns whether a GET of that request is for a WebSocket. */
  readonly isForSocket: (request: Request) => boolean
}

type HonoRouter = Hono<ServerEnvironment>

/** The handlers of routed requests. */
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
  /** @default the path, in hono's syntax */
  readonly matcher?: string
  readonly steps: readonly Step[]
}

/** Keeps the middleware of unchanged routers, because it may hold counters. */
export class MiddlewareChains {
  #known = new Map<string, readonly MiddlewareHandler[]>()

  /** Returns the chains of a table; forgets those of routers that it does not contain. */
  of(routers: readonly RouterRoutes[]): ReadonlyMap<EntryId, readonly MiddlewareHandler[]> {
    const made = new Map<string, readonly MiddlewareHandler[]>()
    const chains = routers.map(({ entry, middleware: names, options }) => {
      const key = JSON.stringify([entry, names, options])
      const chain = this.#known.get(key) ?? names.map((name) => middleware(name, options, middlewareContext))
      made.set(key, chain)
      return [entry, chain] as const
    })
    this.#known = made
    return new Map(chains)
  }
}

/** @throws TroupeError for middleware with invalid options. */
export function routerOf({ routers, statics }: RouteTable, chains: MiddlewareChains, answers: Answers): Router {
  const byRouter = chains.of(routers)
  const forSockets = new WeakSet<object>()
  const routes = [
    ...routers.flatMap((router) => routesOf(router, byRouter.get(router.entry) ?? [], answers, forSockets)),
    ...statics.map(({ fields }) => staticRoute(fields)),
  ].toSorted(bySpecificity)
  const lasts = new WeakSet<object>(routes.flatMap(({ steps }) => steps.slice(-1)))
  const router = honoRouterOf(routes, answers, (path) => absent(router, methods, path))
  const methods = [...new Set(routes.map(({ method }) => method))]
  // For HEAD, hono uses the routes of GET: explicit HEAD routes must come before those.
  const head = methods.includes('HEAD')
    ? honoRouterOf(routesForHead(routes), answers, (path) => absent(router, methods, path))
    : router
  return {
    fetch: (request, environment) => (request.method === 'HEAD' ? head : router).fetch(request, environment),
    isForSocket: (request) => {
      const [matched] = router.router.match('GET', router.getPath(request))
      const first = matched.map(([[handler]]) => handler).find((handler) => lasts.has(handler))
      return first !== undefined && forSockets.has(first)
    },
  }
}

function honoRouterOf(routes: readonly Route[], answers: Answers, notFound: (path: string) => Response): HonoRouter {
  const router: HonoRouter = new Hono<ServerEnvironment>()
  for (const { method, path, matcher = honoPath(path), steps } of routes) {
    router.on(method === '*' ? METHOD_NAME_ALL : method, [matcher], ...steps)
  }
  router.notFound(({ req }) => notFound(req.path))
  router.onError((error, context) => answers.failed(error, context))
  return router
}

function routesForHead(routes: readonly Route[]): readonly Route[] {
  const explicit = new Set(routes.filter(({ method }) => method === 'HEAD').map(({ path }) => shapeOf(path)))
  return routes
    .filter(
      ({ method, path }) => method === 'HEAD' || method === '*' || (method === 'GET' && !explicit.has(shapeOf(path))),
    )
    .map((route) => (route.method === 'HEAD' ? { ...route, method: 'GET' } : route))
    .toSorted(bySpecificity)
}

function routesOf(
  router: RouterRoutes,
  chain: readonly MiddlewareHandler[],
  answers: Answers,
  forSockets: WeakSet<object>,
): readonly Route[] {
  const { endpoints, sockets, streams } = router
  const paths = new Set(
    endpoints.filter(({ method }) => method === 'OPTIONS' || method === '*').map(({ path }) => path),
  )
  const unasked = [...new Set(endpoints.map(({ path }) => path))].filter((path) => !paths.has(path))
  return [
    ...endpoints.map((route) => {
      const { method, path } = route
      return { method, path, steps: [...routed(chain, route), content((context) => answers.endpoint(route, context))] }
    }),
    ...sockets.map((route) => {
      const { path } = route
      const last = (context: RequestIn) => answers.socket(route, context)
      forSockets.add(last)
      return { method: 'GET', path, steps: [...routed(chain, route), last] }
    }),
    ...streams.map((route) => {
      const { path } = route
      return {
        method: 'GET',
        path,
        steps: [...routed(chain, route), content((context) => answers.stream(route, context))],
      }
    }),
    // Pages request permission by this method before the actual request (CORS): the middleware of the router responds.
    ...(chain.length === 0
      ? []
      : unasked.map((path) => ({ method: 'OPTIONS', path, steps: [...chain, options(endpoints, path)] }))),
  ]
}

/** A response to HEAD has no body: the source of the body is cancelled here, before middleware or hono drop it. */
function content(answer: (context: RequestIn) => Answer): Step {
  return (context: RequestIn) => {
    const answered = answer(context)
    if (context.req.raw.method !== 'HEAD') return answered
    return answered instanceof Response ? headless(answered) : answered.then(headless)
  }
}

/** Middleware receives the route of the request; without middleware it is not needed. */
function routed(
  chain: readonly MiddlewareHandler[],
  route: EndpointRoute | EventsRoute | SocketRoute,
): readonly Step[] {
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

function staticRoute(fields: StaticFields): Route {
  const path = staticPath(fields.path)
  const tell: MiddlewareHandler<ServerEnvironment> = async ({ env }, next) => {
    env.template = path
    await next()
  }
  return { method: 'GET', path, matcher: path, steps: [tell, serveFolder(fields)] }
}

/** Responds with 405 where the path exists for other methods, else with 404. */
function absent(router: HonoRouter, methods: readonly string[], path: string): Response {
  const allowed = methods.filter((method) => method !== '*' && router.router.match(method, path)[0].length > 0)
  return allowed.length === 0 ? problem(404) : problem(405, undefined, { allow: allowOf(allowed) })
}

function allowOf(methods: readonly string[]): string {
  const all = new Set(methods)
  if (all.has('GET')) all.add('HEAD')
  return [...all].toSorted().join(', ')
}
