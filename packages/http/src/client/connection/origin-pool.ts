/** The connections to one origin: one for each running request, or one for all of them with HTTP/2. */
import { TroupeError } from '@troupe/core'
import { Connection, type ConnectionOptions, type Waiter } from './connection.ts'

const noLongerNeeded = new TroupeError('Canceled', 'the connection is no longer needed')

export class OriginPool {
  readonly #options: Omit<ConnectionOptions, 'onClosed'>
  readonly #all = new Set<Connection>()
  /** Idle HTTP/1.1 connections. The most recently used comes first, so that the others may expire. */
  readonly #free: Connection[] = []
  /** The HTTP/2 connection. */
  #shared: Connection | undefined
  /** The first connection shows whether the origin uses HTTP/2: until then other requests wait for it. */
  #opening: Promise<void> | undefined
  #spoken: Connection['protocol']
  #closed = false
  #emptied: (() => void) | undefined
  readonly #leaving: Promise<void>[] = []
  #destroyed: Error | undefined

  constructor(options: Omit<ConnectionOptions, 'onClosed'>) {
    this.#options = options
    if (!options.origin.startsWith('https:')) this.#spoken = 'http/1.1'
  }

  get idle(): boolean {
    return this.#all.size === 0
  }

  /**
   * Returns a connection for one request; return it with {@link release}.
   *
   * @param fresh Ignores kept HTTP/1.1 connections.
   * @throws TroupeError `Canceled` after {@link destroy}.
   */
  acquire(fresh: boolean): Connection | Promise<Connection> {
    if (this.#destroyed !== undefined) throw this.#destroyed
    if (this.#shared?.connected === true) return this.#shared
    const free = fresh ? undefined : this.#free.pop()
    if (free !== undefined) return free
    if (this.#spoken === 'http/1.1') return this.#open()
    if (this.#opening !== undefined) return this.#opening.then(() => this.acquire(fresh))
    const connection = this.#shared ?? this.#open()
    this.#opening = this.#decide(connection)
    return connection
  }

  release(connection: Connection): void {
    if (connection.waiters.length > 0) return
    connection.kept = true
    if (!connection.connected || this.#closed) this.#drop(connection)
    else if (connection !== this.#shared) this.#free.push(connection)
  }

  /** Returns the requests on the connections. */
  get waiters(): readonly Waiter[] {
    return [...this.#all].flatMap(({ waiters }) => waiters)
  }

  /**
   * Settles when the running requests have ended, including those with a connection that have not sent anything yet.
   */
  async close(): Promise<void> {
    this.#closed = true
    for (const connection of [...this.#all]) this.release(connection)
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    await Promise.all(this.#leaving)
  }

  async destroy(reason: Error): Promise<void> {
    this.#destroyed = reason
    await Promise.all([...this.#all].map((connection) => connection.destroy(reason)))
  }

  #open(): Connection {
    const connection = new Connection({ ...this.#options, onClosed: (ended) => this.#onClosed(ended) })
    this.#all.add(connection)
    return connection
  }

  async #decide(connection: Connection): Promise<void> {
    await connection.decided
    this.#opening = undefined
    if (!connection.connected) return
    this.#spoken = connection.protocol
    this.#shared = connection.protocol === 'h2' ? connection : undefined
  }

  #onClosed(connection: Connection): void {
    if (connection.waiters.length === 0) this.#drop(connection)
  }

  #drop(connection: Connection): void {
    const at = this.#free.indexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
    if (this.#shared === connection) this.#shared = undefined
    this.#all.delete(connection)
    // A connection may still be reporting the end of its response.
    const left = connection.connected ? connection.close() : connection.destroy(noLongerNeeded)
    if (this.#closed) this.#leaving.push(left)
    if (this.#all.size === 0) this.#emptied?.()
  }
}
