/**
 * The connection pools of a thread: one for each overlay (in its present generation), actor (process, where the overlay keeps those apart) and set of TLS options. A
 * connection of one never serves another. Timeouts are no part of the key.
 */
import { createHash } from 'node:crypto'
import { type EntryId, TroupeError } from '@troupe/core'
import { type Isolation, poolKey, type Route } from '@troupe/network'
import { Agent } from 'undici'
import { connectorOf, inTheClear, throughOverlay } from './connector.ts'
import type { Tls } from './plan.ts'
import type { Watch } from './watch.ts'

/** Beyond it the pool that was unused for longest is closed; it finishes what runs. */
const mostPools = 256
/** Milliseconds for a connection that nobody waits for any more, such as one that undici opens anew for a queued request. */
const defaultPatience = 30_000

/** One agent and the requests that run on it. */
export class Pool {
  readonly generation: number
  readonly overlay: EntryId | null
  readonly agent: Agent
  readonly running = new Set<Watch>()
  readonly #destroyed = new AbortController()

  constructor(route: Route | undefined, isolation: Isolation, tls: Tls | undefined) {
    this.overlay = route?.overlay ?? null
    this.generation = route?.generation ?? 0
    const open = route === undefined ? inTheClear : throughOverlay(route, isolation)
    this.agent = new Agent({
      connect: connectorOf({ open, tls, patience: () => this.#patience(), signal: this.#destroyed.signal }),
      headersTimeout: 0,
    })
  }

  async destroy(): Promise<void> {
    const reason = new TroupeError('Canceled', 'the HTTP client was closed')
    this.#destroyed.abort(reason)
    // An agent that is closing has let go of its clients: destroying it does not end what runs.
    for (const watch of this.running) watch.end(reason)
    await this.agent.destroy(reason)
  }

  #patience(): number {
    let until = 0
    for (const watch of this.running) until = Math.max(until, watch.patience)
    const left = until - Date.now()
    return left > 0 ? left : defaultPatience
  }
}

export class Pools {
  /** Least recently used first. */
  readonly #open = new Map<string, Pool>()
  readonly #draining = new Map<Pool, Promise<void>>()

  /** The pool for `route` (`undefined`: the clear network). A newer generation of an overlay retires the pools of the older. */
  take(route: Route | undefined, isolation: Isolation, tls: Tls | undefined): Pool {
    const apart = route === undefined ? '' : poolKey(route, isolation)
    const key = JSON.stringify([route?.overlay ?? null, isolation.actor ?? null, apart, tls === undefined ? null : digest(tls)])
    let pool = this.#open.get(key)
    // A route that was read before a swap may come after one that was read later: the newer pool serves it.
    if (pool !== undefined && route !== undefined && route.generation > pool.generation) pool = undefined
    if (pool === undefined) {
      if (route !== undefined) this.#retireOlder(route)
      pool = new Pool(route, isolation, tls)
    }
    this.#open.delete(key)
    this.#open.set(key, pool)
    if (this.#open.size > mostPools) this.#retireOldest()
    return pool
  }

  /** Lets what runs finish for at most `drain` milliseconds, then cuts it. */
  async close(drain: number): Promise<void> {
    for (const [key, pool] of this.#open) this.#retire(key, pool)
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, drain)
    await Promise.race([Promise.all(this.#draining.values()), late])
    clearTimeout(timer)
    await Promise.all([...this.#draining.keys()].map((pool) => pool.destroy()))
  }

  #retireOlder(route: Route): void {
    for (const [key, pool] of this.#open) {
      if (pool.overlay === route.overlay && pool.generation < route.generation) this.#retire(key, pool)
    }
  }

  #retireOldest(): void {
    for (const [key, pool] of this.#open) {
      this.#retire(key, pool)
      return
    }
  }

  #retire(key: string, pool: Pool): void {
    this.#open.delete(key)
    const drained = pool.agent
      .close()
      // Destroyed while it drained: that is its end too.
      .catch(() => {})
      .finally(() => this.#draining.delete(pool))
    this.#draining.set(pool, drained)
  }
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
