/** The connections to one origin: one for each request that runs, or one for all of them where HTTP/2 is spoken. */
import { TroupeError } from '@troupe/core'
import { Lane, type LaneOptions, type Rider } from './connection.ts'

const noLongerNeeded = new TroupeError('Canceled', 'the connection is no longer needed')

export class Lanes {
  readonly #options: Omit<LaneOptions, 'onClosed'>
  readonly #all = new Set<Lane>()
  /** Connected, HTTP/1.1, nobody on it; the one that was used last comes first, so that the others may end. */
  readonly #free: Lane[] = []
  /** HTTP/2. */
  #shared: Lane | undefined
  /** Whether HTTP/2 is spoken is known when a first connection stands: until then others wait for it. */
  #opening: Promise<void> | undefined
  #spoken: Lane['protocol']
  #closed = false
  #emptied: (() => void) | undefined
  readonly #leaving: Promise<void>[] = []
  #destroyed: Error | undefined

  constructor(options: Omit<LaneOptions, 'onClosed'>) {
    this.#options = options
    if (!options.origin.startsWith('https:')) this.#spoken = 'http/1.1'
  }

  get idle(): boolean {
    return this.#all.size === 0
  }

  /**
   * A lane for one request; give it back with {@link release}.
   *
   * @param fresh Passes by the connections of HTTP/1.1 that are kept.
   * @throws TroupeError `Canceled` after {@link destroy}.
   */
  take(fresh: boolean): Lane | Promise<Lane> {
    if (this.#destroyed !== undefined) throw this.#destroyed
    if (this.#shared?.connected === true) return this.#shared
    const free = fresh ? undefined : this.#free.pop()
    if (free !== undefined) return free
    if (this.#spoken === 'http/1.1') return this.#open()
    if (this.#opening !== undefined) return this.#opening.then(() => this.take(fresh))
    const lane = this.#shared ?? this.#open()
    this.#opening = this.#decide(lane)
    return lane
  }

  release(lane: Lane): void {
    if (lane.riders.length > 0) return
    lane.kept = true
    if (!lane.connected || this.#closed) this.#drop(lane)
    else if (lane !== this.#shared) this.#free.push(lane)
  }

  /** Who has a request on one of the lanes. */
  get riders(): readonly Rider[] {
    return [...this.#all].flatMap(({ riders }) => riders)
  }

  /** Ends when what runs has ended, and what was given a lane and has not sent anything yet. */
  async close(): Promise<void> {
    this.#closed = true
    for (const lane of [...this.#all]) this.release(lane)
    if (this.#all.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    await Promise.all(this.#leaving)
  }

  async destroy(reason: Error): Promise<void> {
    this.#destroyed = reason
    await Promise.all([...this.#all].map((lane) => lane.destroy(reason)))
  }

  #open(): Lane {
    const lane = new Lane({ ...this.#options, onClosed: (ended) => this.#onClosed(ended) })
    this.#all.add(lane)
    return lane
  }

  async #decide(lane: Lane): Promise<void> {
    await lane.decided
    this.#opening = undefined
    if (!lane.connected) return
    this.#spoken = lane.protocol
    this.#shared = lane.protocol === 'h2' ? lane : undefined
  }

  #onClosed(lane: Lane): void {
    if (lane.riders.length === 0) this.#drop(lane)
  }

  #drop(lane: Lane): void {
    const at = this.#free.indexOf(lane)
    if (at >= 0) this.#free.splice(at, 1)
    if (this.#shared === lane) this.#shared = undefined
    this.#all.delete(lane)
    // A connection may be in the middle of telling that its answer has ended.
    const left = lane.connected ? lane.close() : lane.destroy(noLongerNeeded)
    if (this.#closed) this.#leaving.push(left)
    if (this.#all.size === 0) this.#emptied?.()
  }
}
