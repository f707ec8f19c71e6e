/**
 * The connection pools of a thread: one for each overlay of an application (in its present generation), actor (process,
 * where the overlay isolates processes), set of TLS options and Unix socket. A connection of one pool never serves
 * another. Timeouts are not part of the key.
 */
import { settledWithin } from '@troupe/core'
import { createHash } from 'node:crypto'
import { type Isolation, poolKey, type Route } from '@troupe/network'
import { inTheClear, throughOverlay, toUnixSocket } from './connector.ts'
import { Agent } from './agent.ts'
import type { Tls } from '../request/options-schema.ts'

/** Beyond this number the least recently used pool is closed; it finishes its running requests. */
const maxAgents = 256

export interface Way {
  /** `undefined`: the clear network. */
  readonly route: Route | undefined
  /** Whose pool it is, in a thread where several applications may run: see `Route.application`. */
  readonly application: number | undefined
  /** The actor or process that owns the connections. */
  readonly actor: string | undefined
  /** The values by which the overlay isolates. */
  readonly isolation: Isolation
  /** Whether each connection has an isolation key of its own. */
  readonly fresh: boolean
  readonly tls: Tls | undefined
  readonly unixSocket: string | undefined
}

export class AgentCache {
  /** Least recently used first. */
  readonly #open = new Map<string, Agent>()
  readonly #draining = new Map<Agent, Promise<void>>()

  /** The pool that was used last, because most requests need the same one next. */
  #last: { readonly way: Way; readonly apart: string; readonly pool: Agent } | undefined

  /** Returns the pool for a way. A newer generation of an overlay retires the pools of the older one. */
  agentFor(way: Way): Agent {
    const { route, isolation } = way
    const apart = route === undefined ? '' : poolKey(route, isolation)
    const last = this.#last
    if (last !== undefined && last.apart === apart && isSame(last.way, way)) return last.pool
    const pool = this.#find(way, apart)
    this.#last = { way, apart, pool }
    return pool
  }

  #find(way: Way, apart: string): Agent {
    const { route } = way
    const key = keyOf(way, apart)
    let pool = this.#open.get(key)
    // A route that was read before a swap may arrive after one that was read later: the newer pool serves it.
    if (pool !== undefined && route !== undefined && route.generation > pool.generation) pool = undefined
    if (pool === undefined) {
      if (route !== undefined) this.#retireOlder(way, route)
      pool = agentOf(way)
    }
    this.#open.delete(key)
    this.#open.set(key, pool)
    if (this.#open.size > maxAgents) this.#retireOldest()
    return pool
  }

  /**
   * Lets running requests finish for at most `drain` milliseconds, then cuts them off.
   *
   * @param application - Only those of one application.
   */
  async close(drain: number, application: number | undefined): Promise<void> {
    const isMeant = (pool: Agent) => application === undefined || pool.application === application
    for (const [key, pool] of this.#open) if (isMeant(pool)) this.#retire(key, pool)
    const draining = [...this.#draining].filter(([pool]) => isMeant(pool))
    await settledWithin(Promise.all(draining.map(async ([, drained]) => drained)), drain)
    await Promise.all(draining.map(async ([pool]) => (this.#draining.has(pool) ? pool.destroy() : undefined)))
  }

  #retireOlder({ application }: Way, route: Route): void {
    for (const [key, pool] of this.#open) {
      const isOfOverlay = pool.overlay === route.overlay && pool.application === application
      if (isOfOverlay && pool.generation < route.generation) this.#retire(key, pool)
    }
  }

  #retireOldest(): void {
    for (const [key, pool] of this.#open) {
      this.#retire(key, pool)
      return
    }
  }

  #retire(key: string, pool: Agent): void {
    this.#open.delete(key)
    if (this.#last?.pool === pool) this.#last = undefined
    const drained = pool.close().finally(() => this.#draining.delete(pool))
    this.#draining.set(pool, drained)
  }
}

function agentOf({ route, application, isolation, fresh, tls, unixSocket }: Way): Agent {
  if (route !== undefined) {
    return new Agent({
      overlay: route.overlay,
      application,
      generation: route.generation,
      open: throughOverlay(route, isolation, fresh),
      tls,
      fresh,
    })
  }
  return new Agent({
    overlay: null,
    application,
    generation: 0,
    open: unixSocket === undefined ? inTheClear : toUnixSocket(unixSocket),
    tls,
  })
}

/** Returns whether two ways certainly may share connections, without computing their keys. */
function isSame(a: Way, b: Way): boolean {
  return (
    a.route === b.route &&
    a.application === b.application &&
    a.actor === b.actor &&
    a.isolation.actor === b.isolation.actor &&
    a.isolation.key === b.isolation.key &&
    a.fresh === b.fresh &&
    a.tls === b.tls &&
    a.unixSocket === b.unixSocket
  )
}

/** Returns a text that is equal for ways that may share connections. */
function keyOf({ route, application, actor, isolation, fresh, tls, unixSocket }: Way, apart: string): string {
  return JSON.stringify([
    route?.overlay ?? null,
    application ?? null,
    apart,
    actor ?? null,
    isolation.actor ?? null,
    isolation.key ?? null,
    fresh,
    tls === undefined ? null : digest(tls),
    unixSocket ?? null,
  ])
}

/** Keys are compared by a digest, so that a private key lives no longer than its pool. */
function digest(tls: Tls): string {
  const hash = createHash('sha256')
  const { cert, key, ca, serverName, insecureSkipVerify } = tls
  const authorities = ca === undefined ? [] : Array.isArray(ca) ? ca : [ca]
  for (const part of [cert, key, serverName, insecureSkipVerify === true ? 'insecure' : undefined, ...authorities]) {
    hash.update(part === undefined ? '-;' : `${part.length};`)
    if (part !== undefined) hash.update(part)
  }
  return hash.digest('base64')
}
