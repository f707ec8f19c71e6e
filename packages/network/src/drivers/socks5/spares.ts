/**
 * Connections to the proxies of an overlay that are kept ready, so that a dial does not wait for TCP, nor for the
 * greeting where the proxy takes one message at a time. A spare carries no login and no request, and serves one dial.
 * They live in the thread that dials.
 */
import { onOverlayMoved } from '../../listen/overlay-changes.ts'
import type { OverlayOf, Route } from '../../overlay/route.ts'
import { offerOf } from './messages.ts'
import { proxiesOf, type Proxy, type Socks5Route } from './route.ts'
import { type Spare, SparePool } from './spare-pool.ts'

/** Configurations whose spares were closed: a dial by a route of one of them keeps none. */
const closed = new WeakSet<Socks5Route>()

export class Spares implements Disposable {
  readonly generation: number
  readonly config: Socks5Route
  readonly #pools = new Map<Proxy, SparePool>()
  readonly #unsubscribe: () => void
  /** A dial may outlast the spares of its route. */
  #isOver = false

  constructor(route: Route, config: Socks5Route) {
    this.generation = route.generation
    this.config = config
    this.#unsubscribe = onOverlayMoved(route, () => closeSpares(route))
  }

  /** Counts a dial through `proxy`, and returns a connection that is ready for it. */
  take(proxy: Proxy): Spare | undefined {
    return this.#isOver ? undefined : this.#poolOf(proxy).take()
  }

  /** A dial through `proxy` succeeded: opens spares for the next ones in a later turn. */
  refill(proxy: Proxy): void {
    if (!this.#isOver) this.#poolOf(proxy).refill()
  }

  /** Closes the spares of `proxy`: it does not work, or closed one of them. */
  drop(proxy: Proxy): void {
    this.#pools.get(proxy)?.close()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#unsubscribe()
    for (const pool of this.#pools.values()) pool[Symbol.dispose]()
  }

  #poolOf(proxy: Proxy): SparePool {
    let pool = this.#pools.get(proxy)
    if (pool === undefined) {
      const { spares = 0, optimistic = false, isolate } = this.config
      const isolated = isolate !== undefined
      // In one write the greeting takes no time of its own.
      const offer = optimistic ? undefined : offerOf({ login: proxy.login, isolated, optimistic })
      this.#pools.set(proxy, (pool = new SparePool(proxy, spares, offer)))
    }
    return pool
  }
}

const known = new Map<string, Spares>()

/** Returns the spares of a route; `undefined` where none are kept: behind another overlay, or for an older route. */
export function sparesOf(route: Route): Spares | undefined {
  const config = proxiesOf(route)
  if (config.spares === undefined || config.spares === 0 || config.via !== undefined || closed.has(config))
    return undefined
  const key = keyOf(route)
  const found = known.get(key)
  if (found?.config === config) return found
  if (found !== undefined && found.generation > route.generation) return undefined
  found?.[Symbol.dispose]()
  const spares = new Spares(route, config)
  known.set(key, spares)
  return spares
}

/** Closes the spares of an overlay that changed, is gone, or is not used any more. */
export function closeSpares(route: OverlayOf): void {
  const key = keyOf(route)
  const spares = known.get(key)
  if (spares === undefined) return
  spares[Symbol.dispose]()
  closed.add(spares.config)
  known.delete(key)
}

function keyOf({ application = 0, overlay }: OverlayOf): string {
  return `${application} ${overlay}`
}
