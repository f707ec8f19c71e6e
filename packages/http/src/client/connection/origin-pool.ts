/** The connections to one origin: one for each request that runs, or one for all of them where HTTP/2 is spoken. */
import { TroupeError } from '@troupe/core'
import { Connection, type ConnectionOptions, type Waiter } from './connection.ts'

const noLongerNeeded = new TroupeError('Canceled', 'the connection is no longer needed')

export class OriginPool {
  readonly #options: Omit<ConnectionOptions, 'onClosed'>
  readonly #all = new Set<Connection>()
  /** Connected, HTTP/1.1, nobody on it; the one that was used last comes first, so that the others may end. */
  readonly #free: Connection[] = []
  /** HTTP/2. */
  #shared: Connection | undefined
  /** Whether HTTP/2 is spoken is known when a first connection stands: until then others wait for it. */
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
   * A connection for one request; give it back with {@link release}.
   *
   * @param fresh Passes by the connections of HTTP/1.1 that are kept.
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

  /** Who has a request on one of the connections. */
  get waiters(): readonly Waiter[] {
    return [...this.#all].flatMap(({ waiters }) => waiters)
  }

  /** Ends when what runs has ended, and what was given a connection and has not sent anything yet. */
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
    // A connection may be in the middle of telling that its answer has ended.
    const left = connection.connected ? connection.close() : connection.destroy(noLongerNeeded)
    if (this.#closed) this.#leaving.push(left)
    if (this.#all.size === 0) this.#emptied?.()
  }
}
