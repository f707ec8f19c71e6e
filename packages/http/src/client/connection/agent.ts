/** The connections of one overlay (in one generation, or the clear network), actor and set of TLS options. */
import { type EntryId, TroupeError } from '@troupe/core'
import type { Open } from './connector.ts'
import type { Lane, Rider } from './connection.ts'
import { Lanes } from './origin-pool.ts'
import type { Tls } from '../request/options-schema.ts'

export interface PoolOptions {
  /** `null` for the clear network. */
  readonly overlay: EntryId | null
  /** Of the overlay. */
  readonly generation: number
  readonly open: Open
  readonly tls: Tls | undefined
}

export class Pool {
  readonly overlay: EntryId | null
  readonly generation: number
  readonly #options: PoolOptions
  readonly #origins = new Map<string, Lanes>()
  #closing: Promise<void> | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.overlay = options.overlay
    this.generation = options.generation
  }

  /**
   * A lane to `origin` that `rider` may use. Give it back with {@link leave}.
   *
   * @param fresh Passes by the connections that are kept.
   * @throws TroupeError `PermissionDenied` where the connection that is kept leads to an address that `rider` may not reach.
   */
  board(origin: string, rider: Rider, fresh = false): Lane | Promise<Lane> {
    const taken = this.#lanesTo(origin).take(fresh)
    if (taken instanceof Promise) return taken.then(async (lane) => this.#seat(origin, lane, rider))
    return this.#seat(origin, taken, rider)
  }

  #seat(origin: string, lane: Lane, rider: Rider): Lane | Promise<Lane> {
    lane.enter(rider)
    const asked = lane.permitted(rider.permit)
    return asked === undefined && rider.watch.reason === undefined ? lane : this.#checked(origin, lane, rider, asked)
  }

  async #checked(origin: string, lane: Lane, rider: Rider, asked: Promise<void> | undefined): Promise<Lane> {
    try {
      await asked
      rider.watch.throwIfEnded()
      return lane
    } catch (error) {
      this.leave(origin, lane, rider)
      throw error
    }
  }

  leave(origin: string, lane: Lane, rider: Rider): void {
    lane.leave(rider)
    const lanes = this.#origins.get(origin)
    lanes?.release(lane)
    if (lanes?.idle === true) this.#origins.delete(origin)
  }

  /** Ends when what runs has ended. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async destroy(): Promise<void> {
    const reason = new TroupeError('Canceled', 'the HTTP client was closed')
    const all = [...this.#origins.values()]
    const riders = all.flatMap((lanes) => lanes.riders)
    // First, or whoever waits for a lane would be given a new one.
    const destroyed = all.map((lanes) => lanes.destroy(reason))
    for (const { watch } of riders) watch.end(reason)
    await Promise.all(destroyed)
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#origins.values(), (lanes) => lanes.close()))
  }

  #lanesTo(origin: string): Lanes {
    const known = this.#origins.get(origin)
    if (known !== undefined) return known
    const { open, tls } = this.#options
    const lanes = new Lanes({ origin, open, tls })
    this.#origins.set(origin, lanes)
    return lanes
  }
}
