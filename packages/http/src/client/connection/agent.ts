/** The connections of one overlay (in one generation, or the clear network), actor and set of TLS options. */
import { type EntryId, TroupeError } from '@troupe/core'
import type { Open, Sessions } from './connector.ts'
import type { Connection, Waiter } from './connection.ts'
import { OriginPool } from './origin-pool.ts'
import type { Tls } from '../request/options-schema.ts'

export interface AgentOptions {
  /** `null` for the clear network. */
  readonly overlay: EntryId | null
  /** The application of the overlay: see `Route.application`. */
  readonly application?: number | undefined
  /** Generation of the overlay. */
  readonly generation: number
  readonly open: Open
  readonly tls: Tls | undefined
  /** Whether no TLS session is resumed, because each connection has an isolation key of its own. @default false */
  readonly fresh?: boolean
}

/** TLS sessions that are kept. Beyond this number the first one is dropped. */
const mostSessions = 256

export class Agent {
  readonly overlay: EntryId | null
  readonly application: number | undefined
  readonly generation: number
  readonly #options: AgentOptions
  readonly #origins = new Map<string, OriginPool>()
  /**
   * TLS sessions by origin and server name. They cross to no other network, actor, isolation key or set of TLS options.
   */
  readonly #sessions = new Map<string, Buffer>()
  #closing: Promise<void> | undefined

  constructor(options: AgentOptions) {
    this.#options = options
    this.overlay = options.overlay
    this.application = options.application
    this.generation = options.generation
  }

  /**
   * Returns a connection to `origin` for `waiter`. Return it with {@link leave}.
   *
   * @param fresh Ignores kept connections.
   * @throws TroupeError `PermissionDenied` where the kept connection leads to an address that is denied to `waiter`.
   */
  acquire(origin: string, waiter: Waiter, fresh = false): Connection | Promise<Connection> {
    const taken = this.#poolTo(origin).acquire(fresh)
    if (taken instanceof Promise) return taken.then(async (connection) => this.#admit(origin, connection, waiter))
    return this.#admit(origin, taken, waiter)
  }

  #admit(origin: string, connection: Connection, waiter: Waiter): Connection | Promise<Connection> {
    connection.enter(waiter)
    const asked = connection.permitted(waiter.permit)
    return asked === undefined && waiter.deadline.reason === undefined
      ? connection
      : this.#checked(origin, connection, waiter, asked)
  }

  async #checked(
    origin: string,
    connection: Connection,
    waiter: Waiter,
    asked: Promise<void> | undefined,
  ): Promise<Connection> {
    try {
      await asked
      waiter.deadline.throwIfEnded()
      return connection
    } catch (error) {
      this.leave(origin, connection, waiter)
      throw error
    }
  }

  leave(origin: string, connection: Connection, waiter: Waiter): void {
    connection.leave(waiter)
    const pool = this.#origins.get(origin)
    pool?.release(connection)
    if (pool?.idle === true) this.#origins.delete(origin)
  }

  /** Settles when the running requests have ended. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async destroy(): Promise<void> {
    const reason = new TroupeError('Canceled', 'the HTTP client was closed')
    const all = [...this.#origins.values()]
    const waiters = all.flatMap((pool) => pool.waiters)
    // First, because a request that waits for a connection would otherwise get a new one.
    const destroyed = all.map((pool) => pool.destroy(reason))
    for (const { deadline } of waiters) deadline.end(reason)
    await Promise.all(destroyed)
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#origins.values(), (pool) => pool.close()))
  }

  #poolTo(origin: string): OriginPool {
    const known = this.#origins.get(origin)
    if (known !== undefined) return known
    const { open, tls, fresh = false } = this.#options
    const pool = new OriginPool({ origin, open, tls, ...(!fresh && { sessions: this.#sessionsOf(origin) }) })
    this.#origins.set(origin, pool)
    return pool
  }

  #sessionsOf(origin: string): Sessions {
    return {
      get: (name) => this.#sessions.get(`${origin} ${name}`),
      set: (name, session) => {
        this.#sessions.set(`${origin} ${name}`, session)
        const [oldest] = this.#sessions.keys()
        if (this.#sessions.size > mostSessions && oldest !== undefined) this.#sessions.delete(oldest)
      },
    }
  }
}
