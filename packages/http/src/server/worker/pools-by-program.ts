/** The threads that respond to requests for a server, by the function that they run. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Http2ServerRequest } from 'node:http2'
import { currentFrame, type EntryId, type Pid, TroupeError } from '@troupe/core'
import { ask, currentParticipant } from '@troupe/process'
import { clientAddress } from '../../middleware/client-address.ts'
import { certificateOf, type RequestIn } from '../request/handler-context.ts'
import type { Incoming } from '../request/request-call.ts'
import type { EndpointRoute, RouteTable } from '../routing/route-table.ts'
import { middlewareContext } from '../routing/middleware-context.ts'
import { WorkerPool } from './worker-pool.ts'
import { type WorkerRequest, type WorkerRoute, type WorkerSession, wholeBody } from './protocol.ts'

const neverUsed = { min: 0, max: 1, idleTimeout: 0, queue: 0 }

export class PoolsByProgram {
  /** The identity that acts where no caller is known. */
  readonly #self: Pid = currentParticipant().pid
  readonly #pools = new Map<string, WorkerPool>()
  readonly #known = new WeakMap<EndpointRoute, WorkerPool>()
  /** By function and actor. */
  readonly #ofActors = new Map<string, { readonly program: string; readonly pool: WorkerPool }>()

  readonly #maxActors: () => number

  /** @param maxActors - Returns the service's current limit of simultaneous actors with threads of their own. */
  constructor(maxActors: () => number) {
    this.#maxActors = maxActors
  }

  /** Creates the pools that the routes of `table` need. */
  prepare(table: RouteTable): void {
    for (const route of pooled(table)) {
      if (route.pool === 'inline' || this.#pools.has(keyOf(route))) continue
      const pool = new WorkerPool(route.entry, route.pool)
      this.#pools.set(keyOf(route), pool)
      pool.warm()
    }
  }

  /** Releases the pools that no route of `table` needs. */
  keep(table: RouteTable): void {
    const needed = new Set(table.routers.flatMap(({ endpoints }) => endpoints.map(keyOf)))
    for (const [key, pool] of this.#pools) {
      if (needed.has(key)) continue
      this.#pools.delete(key)
      pool.leave()
    }
    for (const [key, { program, pool }] of this.#ofActors) {
      if (needed.has(program)) continue
      this.#ofActors.delete(key)
      pool.leave()
    }
  }

  /**
   * Returns whether the request needs threads of the current identity: another one than the service's, where the
   * overlay isolates actors.
   */
  isOfActor({ ofActors }: EndpointRoute): boolean {
    return ofActors !== undefined && currentParticipant().pid !== this.#self
  }

  ended(pid: Pid, error: TroupeError): void {
    for (const pool of this.#pools.values()) pool.ended(pid, error)
    for (const { pool } of this.#ofActors.values()) pool.ended(pid, error)
  }

  answer(route: EndpointRoute, context: RequestIn): Promise<Response> {
    const { call, incoming } = context.env
    const pool = this.isOfActor(route) ? this.#ofActor(route) : this.#of(route)
    const isLent = currentParticipant().pid !== this.#self
    const answer = (body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | undefined) => {
      const sent = body instanceof ReadableStream ? 'stream' : body
      // The caller that middleware authenticated also acts in the worker's thread; the kernel decides its identity.
      const request = isLent
        ? AsyncLocalStorage.bind(async (worker: Pid) =>
            workerRequest(route, context, sent, await ask('lendSession', { lane: worker })),
          )
        : workerRequest(route, context, sent, undefined)
      return pool.answer(request, body instanceof ReadableStream ? body : undefined, call)
    }
    return hasBody(context.req.raw, incoming) ? bodyOf(context.req.raw, incoming).then(answer) : answer(undefined)
  }

  /** @throws TroupeError `RateLimited` when the limit of simultaneous actors is reached. */
  #ofActor(route: EndpointRoute): WorkerPool {
    const { frame } = currentParticipant()
    const program = keyOf(route)
    const key = JSON.stringify([program, frame.actor?.id])
    const known = this.#ofActors.get(key)
    if (known !== undefined) return known.pool
    const maxActors = this.#maxActors()
    if (this.#ofActors.size >= maxActors) {
      for (const [other, { pool }] of this.#ofActors) if (pool.isEmpty) this.#ofActors.delete(other)
      if (this.#ofActors.size >= maxActors) {
        throw new TroupeError(
          'RateLimited',
          `${route.entry}: ${maxActors} actors have threads of their own already (max_isolation_keys)`,
          {
            details: { endpoint: route.entry, max: maxActors },
          },
        )
      }
    }
    // Threads that are kept without an actor would have no use here.
    const pool = new WorkerPool(
      route.entry,
      { ...(route.ofActors ?? neverUsed), min: 0 },
      () => currentParticipant().pid,
    )
    this.#ofActors.set(key, { program, pool })
    return pool
  }

  #of(route: EndpointRoute): WorkerPool {
    const pool = this.#known.get(route) ?? this.#pools.get(keyOf(route))
    if (pool === undefined) throw new TroupeError('Internal', `${route.entry} has no threads`)
    this.#known.set(route, pool)
    return pool
  }
}

/** What requests to a route have in common. */
const routes = new WeakMap<EndpointRoute, WorkerRoute>()

function workerRoute(route: EndpointRoute, service: EntryId): WorkerRoute {
  const known = routes.get(route)
  if (known !== undefined) return known
  const made = { program: route.program, service, endpoint: route.entry }
  routes.set(route, made)
  return made
}

function workerRequest(
  route: EndpointRoute,
  context: RequestIn,
  body: WorkerRequest['body'],
  session: WorkerSession | undefined,
): WorkerRequest {
  const { env, req } = context
  const { deadline, trace, traceState } = currentFrame() ?? env.call.frameOfRequest
  const { peer } = env
  const certificate = certificateOf(context)
  const isUsual = peer === undefined && certificate === undefined && session === undefined && traceState === undefined
  return {
    route: workerRoute(route, env.service),
    method: req.method,
    url: env.incoming.url ?? '/',
    isSecure: 'encrypted' in env.incoming.socket,
    headers: headersOf(context),
    body,
    params: /[{*]/.test(route.path) ? req.param() : undefined,
    remoteAddress: clientAddress(context, middlewareContext),
    deadline,
    trace,
    rare: isUsual ? undefined : { peer, certificate, session, traceState },
  }
}

/** Returns the original headers, unless middleware may have changed them. */
function headersOf({ req, env: { incoming, route } }: RequestIn): string[] {
  const headers = route === undefined ? incoming.rawHeaders : [...req.raw.headers].flat()
  if (!(incoming instanceof Http2ServerRequest)) return headers
  const fields = headers.flatMap((name, index) =>
    index % 2 === 0 && !name.startsWith(':') ? [name, headers[index + 1] ?? ''] : [],
  )
  return incoming.headers.host === undefined ? [...fields, 'host', incoming.authority] : fields
}

function hasBody({ method }: Request, { headers }: Incoming): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  const length = headers['content-length']
  return length === undefined
    ? headers['transfer-encoding'] !== undefined || headers[':method'] !== undefined
    : length !== '0'
}

/** Returns a short body as a whole, a long one as a stream. */
async function bodyOf(
  request: Request,
  { headers }: Incoming,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined> {
  const length = headers['content-length']
  if (length !== undefined && Number(length) <= wholeBody) return new Uint8Array(await request.arrayBuffer())
  return request.body ?? undefined
}

function pooled({ routers }: RouteTable): readonly EndpointRoute[] {
  return routers.flatMap(({ endpoints }) => endpoints.filter(({ pool }) => pool !== 'inline'))
}

/** Routes that differ in one of these cannot share threads. */
function keyOf({ program, pool, pin }: EndpointRoute): string {
  return JSON.stringify([program, pool, pin === undefined ? '' : pin])
}
