/** The threads that answer the requests of one function for a server: as many as are needed, up to a limit. */
import { type EntryId, type Pid, startTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import { currentParticipant, currentRuntime, type Participant } from '@troupe/process'
import type { RequestCall } from '../request/request-call.ts'
import type { LaneSettings } from '../routing/route-table.ts'
import { Lane } from './worker.ts'
import type { LaneRequest } from './protocol.ts'

/** Milliseconds that the kernel may take to tell why a thread has ended. */
const endTime = 1000
/** Milliseconds that a function which was cancelled is given to come back, before its thread is ended. */
const grace = 1000

interface Waiting {
  readonly resolve: (lane: Lane) => void
  readonly reject: (error: TroupeError) => void
}

export class Lanes {
  readonly #endpoint: EntryId
  readonly #settings: LaneSettings
  readonly #session: (() => Pid) | undefined
  readonly #self: Participant = currentParticipant()
  /** By pid: threads that are not ready yet. */
  readonly #opening = new Map<Pid, PromiseWithResolvers<void>>()
  readonly #idle: Lane[] = []
  readonly #busy = new Set<Lane>()
  readonly #waiting = new Set<Waiting>()
  #sweep: Timer | undefined
  #starting = 0
  #isLeaving = false

  /**
   * @param endpoint - One whose function they run: the kernel finds there what to start.
   * @param session - For whom they run it, where the overlay keeps actors apart: whoever acts when a thread is started.
   */
  constructor(endpoint: EntryId, settings: LaneSettings, session?: () => Pid) {
    this.#endpoint = endpoint
    this.#session = session
    this.#settings = settings
  }

  /** Starts the threads that are always kept. */
  warm(): void {
    while (this.#size < this.#settings.min) this.#open()
  }

  /** Whether there is no thread, and nothing waits for one. */
  get isEmpty(): boolean {
    return this.#size === 0 && this.#waiting.size === 0
  }

  /** A thread that was started here has ended. */
  ended(pid: Pid, error: TroupeError): void {
    this.#opening.get(pid)?.reject(error)
  }

  /** @throws TroupeError `Unavailable` when too many wait; what the function throws. */
  async answer(
    request: (lane: Pid) => LaneRequest | Promise<LaneRequest>,
    body: ReadableStream<Uint8Array> | undefined,
    call: RequestCall,
  ): Promise<Response> {
    const lane = this.#idleLane() ?? (await this.#wait(call))
    const asked = request(lane.pid)
    const answer = lane.answer(asked instanceof Promise ? await this.#ready(lane, asked) : asked, body)
    call.onCancel((reason) => this.#cancel(lane, reason))
    return answer
  }

  /** Lets those that answer come to their end, and ends the others: another function has taken the place of this one. */
  leave(): void {
    this.#isLeaving = true
    for (const lane of this.#idle.splice(0)) this.#dismiss(lane)
  }

  get #size(): number {
    return this.#idle.length + this.#busy.size + this.#starting
  }

  /** Where a request cannot be made after all, its thread is for others. */
  async #ready(lane: Lane, asked: Promise<LaneRequest>): Promise<LaneRequest> {
    try {
      return await asked
    } catch (error) {
      this.#free(lane)
      throw error
    }
  }

  #idleLane(): Lane | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined) this.#busy.add(idle)
    return idle
  }

  async #wait(call: RequestCall): Promise<Lane> {
    const { max, queue } = this.#settings
    if (this.#waiting.size - this.#starting >= queue)
      throw unavailable(`${this.#endpoint}: its ${max} threads are busy, and ${queue} requests wait already`, { endpoint: this.#endpoint })
    const { promise, resolve, reject } = Promise.withResolvers<Lane>()
    const waiting = { resolve, reject }
    this.#waiting.add(waiting)
    call.onCancel((reason) => {
      this.#waiting.delete(waiting)
      reject(new TroupeError('Canceled', reason))
    })
    if (this.#size < max && this.#waiting.size > this.#starting) this.#open()
    return promise
  }

  #open(): void {
    this.#starting += 1
    this.#start().then(
      (lane) => {
        this.#starting -= 1
        this.#busy.add(lane)
        this.#free(lane)
      },
      (error: unknown) => {
        this.#starting -= 1
        this.#failed(error)
      },
    )
  }

  /** Whoever waits for a thread that did not start does not wait for ever. */
  #failed(error: unknown): void {
    if (this.#size > 0) return
    const failure = error instanceof TroupeError ? error : new TroupeError('Internal', String(error), { cause: error })
    for (const { reject } of this.#waiting) reject(failure)
    this.#waiting.clear()
  }

  async #start(): Promise<Lane> {
    const session = this.#session?.()
    const ask = { endpoint: this.#endpoint, ...(session !== undefined && { session }) }
    const { pid, port } = await currentRuntime().kernel.request('openLane', ask, this.#self.pid)
    const ready = Promise.withResolvers<void>()
    this.#opening.set(pid, ready)
    port.once('message', () => ready.resolve())
    // Why it ended, the kernel tells; should it not, nobody waits for ever.
    port.once('close', () => {
      startTimer(() => ready.reject(unavailable(`a thread of ${this.#endpoint} ended before it was ready`)), endTime).unref()
    })
    await ready.promise.finally(() => this.#opening.delete(pid))
    return new Lane(pid, port, {
      onFree: (lane) => this.#free(lane),
      onGone: (lane) => this.#gone(lane),
    })
  }

  #free(lane: Lane): void {
    if (lane.isGone) return
    const [next] = this.#waiting
    if (this.#isLeaving && next === undefined) {
      this.#busy.delete(lane)
      this.#dismiss(lane)
      return
    }
    if (next !== undefined) {
      this.#waiting.delete(next)
      next.resolve(lane)
      return
    }
    this.#busy.delete(lane)
    lane.idleSince = performance.now()
    this.#idle.push(lane)
    if (this.#size > this.#settings.min && this.#sweep === undefined)
      this.#sweep = startTimer(() => this.#sweepIdle(), this.#settings.idleTimeout).unref()
  }

  /** Ends threads that had nothing to do for long. Those that were used last are used first, so that the others become idle. */
  #sweepIdle(): void {
    const { idleTimeout, min } = this.#settings
    const before = performance.now() - idleTimeout
    while (this.#size > min) {
      const [oldest] = this.#idle
      if (oldest === undefined || oldest.idleSince > before) break
      this.#dismiss(oldest)
    }
    this.#sweep = this.#size > min ? startTimer(() => this.#sweepIdle(), idleTimeout).unref() : undefined
  }

  #dismiss(lane: Lane): void {
    if (this.#busy.has(lane)) return
    this.#forget(lane)
    lane.close()
  }

  #gone(lane: Lane): void {
    this.#forget(lane)
    if (this.#waiting.size > this.#starting && this.#size < this.#settings.max) this.#open()
  }

  #forget(lane: Lane): void {
    this.#busy.delete(lane)
    const at = this.#idle.indexOf(lane)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #cancel(lane: Lane, reason: string): void {
    const cancelled = lane.cancel(reason)
    startTimer(() => {
      if (lane.answers(cancelled))
        currentRuntime()
          .kernel.request('closeLane', { lane: lane.pid }, this.#self.pid)
          .catch(() => undefined)
    }, grace)
  }
}
