/** The threads that respond to the requests of one function for a server: as many as are needed, up to a limit. */
import { type EntryId, type Pid, startTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import { currentParticipant, currentRuntime, type Participant } from '@troupe/process'
import type { RequestCall } from '../request/request-call.ts'
import type { RequestWorkerSettings } from '../routing/route-table.ts'
import { RequestWorker, type Task } from './worker.ts'
import type { WorkerRequest } from './protocol.ts'

/** Milliseconds that the kernel may take to report why a thread has ended. */
const endTime = 1000
/** Milliseconds that a cancelled function has to return, before its thread is ended. */
const grace = 1000

/** A request that waits for a thread, or that a thread has. */
interface Job extends Task {
  readonly call: RequestCall
  /** Made for the thread where that cannot be another one: then it waits for an idle thread. */
  readonly request: WorkerRequest | ((worker: Pid) => Promise<WorkerRequest>)
  readonly body: ReadableStream<Uint8Array> | undefined
}

type Worker = RequestWorker<Job>

export class WorkerPool {
  readonly #endpoint: EntryId
  readonly #settings: RequestWorkerSettings
  readonly #session: (() => Pid) | undefined
  readonly #self: Participant = currentParticipant()
  /** By pid: threads that are not ready yet. */
  readonly #opening = new Map<Pid, PromiseWithResolvers<void>>()
  readonly #idle: Worker[] = []
  readonly #busy = new Set<Worker>()
  /** In order. */
  #waiting = new Set<Job>()
  #sweep: Timer | undefined
  /** Whether the requests of this turn of the event loop are posted at its end. */
  #isFlushing = false
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
  answer(request: Job['request'], body: Job['body'], call: RequestCall): Promise<Response> {
    return new Promise((resolve, reject) => {
      const job = { call, request, body, resolve, reject }
      const idle = this.#idle.pop()
      if (idle === undefined) this.#wait(job)
      else {
        this.#busy.add(idle)
        this.#begin(idle, job)
      }
      call.onCancel((reason) => this.#cancel(job, reason))
    })
  }

  /** Lets busy threads finish, and ends the others: another function has replaced this one. */
  leave(): void {
    this.#isLeaving = true
    for (const worker of this.#idle.splice(0)) this.#dismiss(worker)
  }

  get #size(): number {
    return this.#idle.length + this.#busy.size + this.#starting
  }

  /** Gives a request to a thread. If that fails, the thread is released for others. */
  #begin(worker: Worker, job: Job): void {
    const { request } = job
    if (typeof request === 'function') {
      request(worker.pid).then(
        (made) => {
          if (job.call.isCancelled) this.#unmade(worker, job, new TroupeError('Canceled', 'the request was cancelled'))
          else this.#give(worker, job, made)
        },
        (error: unknown) => this.#unmade(worker, job, error),
      )
    } else this.#give(worker, job, request)
  }

  #give(worker: Worker, job: Job, request: WorkerRequest): void {
    worker.give(job, request, job.body)
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => {
      this.#isFlushing = false
      for (const busy of this.#busy) busy.flush()
    })
  }

  #unmade(worker: Worker, job: Job, error: unknown): void {
    job.reject(error)
    this.#free(worker)
  }

  #wait(job: Job): void {
    const { max, queue } = this.#settings
    if (this.#waiting.size + this.#behind - this.#starting >= queue) {
      job.reject(
        unavailable(`${this.#endpoint}: its ${max} threads are busy, and ${queue} requests wait already`, {
          endpoint: this.#endpoint,
        }),
      )
      return
    }
    this.#waiting.add(job)
    if (this.#size < max) {
      if (this.#waiting.size > this.#starting) this.#open()
      return
    }
    for (const worker of this.#busy) this.#fill(worker)
  }

  /** Returns the number of requests that wait in threads behind others. */
  get #behind(): number {
    let behind = 0
    for (const { size } of this.#busy) if (size > 1) behind += size - 1
    return behind
  }

  /** Lets requests wait in a busy thread, where they are the next. */
  #fill(worker: Worker): void {
    if (this.#waiting.size === 0 || worker.size === 0) return
    let { room } = worker
    for (const job of this.#waiting) {
      if (room === 0 || typeof job.request === 'function' || job.body !== undefined) return
      room -= 1
      this.#waiting.delete(job)
      this.#give(worker, job, job.request)
    }
  }

  /** Takes requests back that wait behind one that takes long: the threads that become free handle them next. */
  #takeBack(): void {
    const now = performance.now()
    for (const worker of this.#busy) if (worker.isStalled(now)) this.#requeue(worker.takeBack())
  }

  #requeue(jobs: readonly Job[]): void {
    if (jobs.length > 0) this.#waiting = new Set([...jobs, ...this.#waiting])
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

  async #start(): Promise<Worker> {
    const session = this.#session?.()
    const ask = { endpoint: this.#endpoint, ...(session !== undefined && { session }) }
    const { pid, port } = await currentRuntime().kernel.request('openLane', ask, this.#self.pid)
    const ready = Promise.withResolvers<void>()
    this.#opening.set(pid, ready)
    port.once('message', () => ready.resolve())
    // The kernel reports why it ended; if it does not, the wait ends after a timeout.
    port.once('close', () => {
      startTimer(
        () => ready.reject(unavailable(`a thread of ${this.#endpoint} ended before it was ready`)),
        endTime,
      ).unref()
    })
    await ready.promise.finally(() => this.#opening.delete(pid))
    return new RequestWorker(pid, port, {
      onEnd: (ended) => this.#free(ended),
      onGone: (gone, unbegun) => this.#gone(gone, unbegun),
    })
  }

  /** A request of a thread has ended. */
  #free(worker: Worker): void {
    if (worker.isGone) return
    this.#takeBack()
    if (worker.size > 0) {
      this.#fill(worker)
      return
    }
    if (this.#waiting.size === 0) this.#steal()
    if (this.#next(worker)) return
    this.#busy.delete(worker)
    if (this.#isLeaving) {
      this.#dismiss(worker)
      return
    }
    worker.idleSince = performance.now()
    this.#idle.push(worker)
    if (this.#size > this.#settings.min && this.#sweep === undefined)
      this.#sweep = startTimer(() => this.#sweepIdle(), this.#settings.idleTimeout).unref()
  }

  /** Gives the next request to a thread that has none. */
  #next(worker: Worker): boolean {
    const [next] = this.#waiting
    if (next === undefined) return false
    this.#waiting.delete(next)
    this.#begin(worker, next)
    this.#fill(worker)
    return true
  }

  /** Takes requests back from the thread with the most, for one that has none. */
  #steal(): void {
    let most: Worker | undefined
    for (const worker of this.#busy) if (worker.size > (most?.size ?? 1)) most = worker
    if (most !== undefined) this.#requeue(most.takeHalf())
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

  #dismiss(worker: Worker): void {
    if (this.#busy.has(worker)) return
    this.#forget(worker)
    worker.close()
  }

  #gone(worker: Worker, unbegun: readonly Job[]): void {
    this.#forget(worker)
    this.#requeue(unbegun)
    for (const idle of this.#idle.splice(0, this.#waiting.size)) {
      this.#busy.add(idle)
      this.#next(idle)
    }
    if (this.#waiting.size > this.#starting && this.#size < this.#settings.max) this.#open()
  }

  #forget(worker: Worker): void {
    this.#busy.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #cancel(job: Job, reason: string): void {
    const worker = [...this.#busy].find((each) => each.has(job))
    const isWithdrawn = worker?.withdraw(job) === true
    if (isWithdrawn || this.#waiting.delete(job)) job.reject(new TroupeError('Canceled', reason))
    if (isWithdrawn && worker.size === 0) this.#free(worker)
    if (isWithdrawn || worker === undefined) return
    worker.cancel(job, reason)
    startTimer(() => {
      if (worker.has(job))
        currentRuntime()
          .kernel.request('closeLane', { lane: worker.pid }, this.#self.pid)
          .catch(() => undefined)
    }, grace)
  }
}
