/** The threads that respond to the requests of one function for a server: as many as are needed, up to a limit. */
import { type EntryId, type Pid, startTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import { currentParticipant, currentRuntime, type Participant } from '@troupe/process'
import type { RequestCall } from '../request/request-call.ts'
import type { RequestWorkerSettings } from '../routing/route-table.ts'
import { RequestWorker } from './worker.ts'
import type { WorkerRequest } from './protocol.ts'

/** Milliseconds that the kernel may take to report why a thread has ended. */
const endTime = 1000
/** Milliseconds that a cancelled function has to return, before its thread is ended. */
const grace = 1000

interface Waiting {
  readonly resolve: (worker: RequestWorker) => void
  readonly reject: (error: TroupeError) => void
}

export class WorkerPool {
  readonly #endpoint: EntryId
  readonly #settings: RequestWorkerSettings
  readonly #session: (() => Pid) | undefined
  readonly #self: Participant = currentParticipant()
  /** By pid: threads that are not ready yet. */
  readonly #opening = new Map<Pid, PromiseWithResolvers<void>>()
  readonly #idle: RequestWorker[] = []
  readonly #busy = new Set<RequestWorker>()
  readonly #waiting = new Set<Waiting>()
  #sweep: Timer | undefined
  #starting = 0
  #isLeaving = false

  /**
   * @param endpoint - An endpoint whose function they run: the kernel finds there what to start.
   * @param session - Returns the identity under which they run, where the overlay isolates actors: the one that acts
   *   when a thread is started.
   */
  constructor(endpoint: EntryId, settings: RequestWorkerSettings, session?: () => Pid) {
    this.#endpoint = endpoint
    this.#session = session
    this.#settings = settings
  }

  /** Starts the threads that are always kept. */
  warm(): void {
    while (this.#size < this.#settings.min) this.#open()
  }

  /** Returns whether there is no thread, and no request waits for one. */
  get isEmpty(): boolean {
    return this.#size === 0 && this.#waiting.size === 0
  }

  /** Handles the end of a thread that was started here. */
  ended(pid: Pid, error: TroupeError): void {
    this.#opening.get(pid)?.reject(error)
  }

  /** @throws TroupeError `Unavailable` when too many wait; the error of the function. */
  async answer(
    request: (worker: Pid) => WorkerRequest | Promise<WorkerRequest>,
    body: ReadableStream<Uint8Array> | undefined,
    call: RequestCall,
  ): Promise<Response> {
    const worker = this.#idleWorker() ?? (await this.#wait(call))
    const asked = request(worker.pid)
    const answer = worker.answer(asked instanceof Promise ? await this.#ready(worker, asked) : asked, body)
    call.onCancel((reason) => this.#cancel(worker, reason))
    return answer
  }

  /** Lets busy threads finish, and ends the others: another function has replaced this one. */
  leave(): void {
    this.#isLeaving = true
    for (const worker of this.#idle.splice(0)) this.#dismiss(worker)
  }

  get #size(): number {
    return this.#idle.length + this.#busy.size + this.#starting
  }

  /** If a request cannot be created, its thread is released for others. */
  async #ready(worker: RequestWorker, asked: Promise<WorkerRequest>): Promise<WorkerRequest> {
    try {
      return await asked
    } catch (error) {
      this.#free(worker)
      throw error
    }
  }

  #idleWorker(): RequestWorker | undefined {
    const idle = this.#idle.pop()
    if (idle !== undefined) this.#busy.add(idle)
    return idle
  }

  async #wait(call: RequestCall): Promise<RequestWorker> {
    const { max, queue } = this.#settings
    if (this.#waiting.size - this.#starting >= queue)
      throw unavailable(`${this.#endpoint}: its ${max} threads are busy, and ${queue} requests wait already`, { endpoint: this.#endpoint })
    const { promise, resolve, reject } = Promise.withResolvers<RequestWorker>()
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
      (worker) => {
        this.#starting -= 1
        this.#busy.add(worker)
        this.#free(worker)
      },
      (error: unknown) => {
        this.#starting -= 1
        this.#failed(error)
      },
    )
  }

  /** Fails the requests that wait for a thread that did not start, so that they do not wait forever. */
  #failed(error: unknown): void {
    if (this.#size > 0) return
    const failure = error instanceof TroupeError ? error : new TroupeError('Internal', String(error), { cause: error })
    for (const { reject } of this.#waiting) reject(failure)
    this.#waiting.clear()
  }

  async #start(): Promise<RequestWorker> {
    const session = this.#session?.()
    const ask = { endpoint: this.#endpoint, ...(session !== undefined && { session }) }
    const { pid, port } = await currentRuntime().kernel.request('openLane', ask, this.#self.pid)
    const ready = Promise.withResolvers<void>()
    this.#opening.set(pid, ready)
    port.once('message', () => ready.resolve())
    // The kernel reports why it ended; if it does not, the wait ends after a timeout.
    port.once('close', () => {
      startTimer(() => ready.reject(unavailable(`a thread of ${this.#endpoint} ended before it was ready`)), endTime).unref()
    })
    await ready.promise.finally(() => this.#opening.delete(pid))
    return new RequestWorker(pid, port, {
      onFree: (worker) => this.#free(worker),
      onGone: (worker) => this.#gone(worker),
    })
  }

  #free(worker: RequestWorker): void {
    if (worker.isGone) return
    const [next] = this.#waiting
    if (this.#isLeaving && next === undefined) {
      this.#busy.delete(worker)
      this.#dismiss(worker)
      return
    }
    if (next !== undefined) {
      this.#waiting.delete(next)
      next.resolve(worker)
      return
    }
    this.#busy.delete(worker)
    worker.idleSince = performance.now()
    this.#idle.push(worker)
    if (this.#size > this.#settings.min && this.#sweep === undefined)
      this.#sweep = startTimer(() => this.#sweepIdle(), this.#settings.idleTimeout).unref()
  }

  /** Ends threads that were idle for long. The most recently used are used first, so that the others become idle. */
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

  #dismiss(worker: RequestWorker): void {
    if (this.#busy.has(worker)) return
    this.#forget(worker)
    worker.close()
  }

  #gone(worker: RequestWorker): void {
    this.#forget(worker)
    if (this.#waiting.size > this.#starting && this.#size < this.#settings.max) this.#open()
  }

  #forget(worker: RequestWorker): void {
    this.#busy.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #cancel(worker: RequestWorker, reason: string): void {
    const cancelled = worker.cancel(reason)
    startTimer(() => {
      if (worker.answers(cancelled))
        currentRuntime()
          .kernel.request('closeLane', { lane: worker.pid }, this.#self.pid)
          .catch(() => undefined)
    }, grace)
  }
}
