/**
 * The threads of one pool: those that take calls, those that give way to another network, and those that are ending.
 * Each has one network for its whole life.
 */
import { type EntryId, startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Network, Thread, WireExit } from '@troupe/process/kernel'
import type { PoolOptions, PoolStatus } from './pool-options.ts'
import type { PoolCall } from './pool-call.ts'
import { PoolWorker } from './pool-worker.ts'
import { sourceOf, type WorkerSource } from './worker-source.ts'

/** Milliseconds that a worker may take to end. In this time after its wire has closed, it reports why it ended. */
const exitGraceMs = 5000

export interface PoolThreadsOptions extends Omit<PoolOptions, 'grace'> {
  /** Maximum number of threads. */
  readonly max: number
  /** Called when a call that a thread had begun has ended, by itself or with the thread. */
  readonly onEnd: (worker: PoolWorker, call: PoolCall, exit: WireExit) => void
  /** Called when a thread has ended before it began a call. */
  readonly onReturn: (call: PoolCall) => void
  /** Called when a thread gives way to another network. */
  readonly onGaveWay: (worker: PoolWorker) => void
  /** Takes back the calls that a thread has not begun. */
  readonly takeBack: (worker: PoolWorker) => void
  /** Called when there may be room for another thread. */
  readonly onFree: () => void
}

export class PoolThreads {
  /** The workers that take calls. */
  readonly working = new Set<PoolWorker>()
  /** Workers whose threads get no more calls, and end when they are idle. */
  readonly leaving = new Set<PoolWorker>()
  readonly #options: PoolThreadsOptions
  readonly #max: number
  readonly #source: WorkerSource
  readonly #ending = new EndingWorkers()
  #closed = false
  #idleTimer: Timer | undefined

  constructor(options: PoolThreadsOptions) {
    const { entry, max } = options
    this.#options = options
    this.#max = max
    this.#source = sourceOf(options, max, (error) => {
      for (const worker of failUntaken(entry, this.working, error)) this.close(worker)
    })
  }

  /** Number of threads. */
  get count(): number {
    return this.#source.count
  }

  /** The workers that were given calls. */
  get all(): readonly PoolWorker[] {
    return [...this.working, ...this.leaving]
  }

  /** Returns whether one more thread may be started. */
  get hasRoom(): boolean {
    return this.working.size + this.leaving.size + this.#ending.size < this.#max
  }

  /** Returns a worker whose thread is in that network and idle. */
  idleIn({ key }: Network): PoolWorker | undefined {
    for (const worker of this.working) if (worker.isIdle && worker.network.key === key) return worker
    return undefined
  }

  /** Returns the worker that was given a call. */
  workerOf(call: PoolCall): PoolWorker | undefined {
    for (const worker of this.working) if (worker.has(call)) return worker
    for (const worker of this.leaving) if (worker.has(call)) return worker
    return undefined
  }

  /** Whether no worker has a call. */
  get areIdle(): boolean {
    for (const worker of this.working) if (worker.size > 0) return false
    for (const worker of this.leaving) if (worker.size > 0) return false
    return true
  }

  /** The status of the pool. @param unassigned - Waiting calls that no worker has. */
  status(unassigned: number): PoolStatus {
    let [running, waiting] = [0, unassigned]
    const networks = new Set<string>()
    for (const { size, network } of this.all) {
      running += Math.min(1, size)
      waiting += Math.max(0, size - 1)
      networks.add(network.key)
    }
    return { entry: this.#options.entry, threads: this.count, networks: networks.size, running, waiting }
  }

  /** Ends a thread of this pool, and rejects the call that runs in it with `error`. Ignores other threads. */
  readonly kill = (thread: Thread, error: TroupeError): void => {
    for (const worker of [...this.working, ...this.leaving]) {
      if (worker.thread !== thread) continue
      this.#options.takeBack(worker)
      for (const call of worker.calls) call.reject(error)
      this.close(worker)
    }
  }

  /** Finds or starts a thread. */
  open(network: Network): PoolWorker {
    const place = this.#source.open(network, () => {
      this.#onGone(worker)
    })
    const worker = new PoolWorker({
      network,
      place,
      kernel: this.#options.kernel,
      program: this.#options.program,
      onEnd: this.#options.onEnd,
      onReturn: this.#options.onReturn,
      end: this.kill,
    })
    this.working.add(worker)
    void place.occupy().then((error) => {
      this.#threadEnded(worker, error)
    })
    return worker
  }

  close(worker: PoolWorker): void {
    this.working.delete(worker)
    this.leaving.delete(worker)
    // It counts until its thread is gone. One that does not end stops counting after a grace period.
    this.#ending.add(worker, this.#options.onFree)
    worker.end()
  }

  /** Gives a thread no more calls, and ends it when it is idle. */
  dismiss(worker: PoolWorker): void {
    if (!this.working.delete(worker)) return
    this.leaving.add(worker)
    this.#options.onGaveWay(worker)
    if (worker.size === 0) this.drain(worker)
  }

  drain(worker: PoolWorker): void {
    const { kernel } = this.#options
    void kernel.threads.drain(worker.thread, kernel.drainTimeout).then((isCut) => {
      if (!this.leaving.has(worker)) return
      if (isCut)
        kernel.note(`thread ${worker.thread.number} was cut for another network: it still ran something`, {
          level: 'warn',
          entry: this.#options.entry,
        })
      this.close(worker)
    })
  }

  #threadEnded(worker: PoolWorker, error: TroupeError): void {
    this.working.delete(worker)
    this.leaving.delete(worker)
    worker.hasEnded = true
    worker.setEnded(error)
    // Otherwise its last messages are read before its end is reported, and it counts until then.
    if (!worker.taken) this.#options.kernel.threads.remove(worker.thread, error)
    if (worker.thread.gone) this.#ending.delete(worker)
    else this.#ending.add(worker, this.#options.onFree)
    this.#options.onFree()
  }

  /** Handles a worker whose wire is closed: it is about to end, or its code has closed the wire. */
  readonly #onGone = (worker: PoolWorker): void => {
    const isHere = () => this.working.has(worker) || this.leaving.has(worker)
    if (!isHere()) {
      if (worker.hasEnded) this.#ending.delete(worker)
      this.#options.onFree()
      return
    }
    startTimer(() => {
      if (isHere()) this.close(worker)
    }, exitGraceMs).unref()
  }

  /** Ends threads that have been idle for long. */
  watchIdle(): void {
    const { min, idleTimeout } = this.#options.settings
    if (this.#closed || this.#idleTimer !== undefined || this.#source.count <= min) return
    this.#idleTimer = startTimer(() => {
      this.#idleTimer = undefined
      const now = performance.now()
      for (const worker of this.working) {
        if (worker.isIdle && now - worker.idleSince >= idleTimeout && this.#source.count > min) this.close(worker)
      }
      if (this.working.values().some((worker) => worker.isIdle)) this.watchIdle()
    }, idleTimeout).unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    stopTimer(this.#idleTimer)
    await Promise.all([...this.all, ...this.#ending.all].map(async (worker) => worker.nativeEnd()))
    await this.#source[Symbol.asyncDispose]()
  }
}

/** Workers whose threads are being ended. Each counts until its thread is gone, but at most for a grace period. */
class EndingWorkers {
  readonly #workers = new Set<PoolWorker>()
  /** Those that no longer count. */
  readonly #late = new Set<PoolWorker>()

  get size(): number {
    return this.#workers.size
  }

  /** Returns all workers whose threads are not gone. */
  get all(): Iterable<PoolWorker> {
    return [...this.#workers, ...this.#late]
  }

  /** @param then - Called if the thread has not ended in time: it no longer counts. */
  add(worker: PoolWorker, then: () => void): void {
    this.#workers.add(worker)
    startTimer(() => {
      if (!this.#workers.delete(worker)) return
      this.#late.add(worker)
      then()
    }, exitGraceMs).unref()
  }

  delete(worker: PoolWorker): void {
    this.#workers.delete(worker)
    this.#late.delete(worker)
  }
}

/**
 * Handles the failure of a thread without a worker. It may have failed to start, so that waiting workers would never
 * get a thread: those fail.
 */
function failUntaken(entry: EntryId, workers: Iterable<PoolWorker>, cause: Error): readonly PoolWorker[] {
  const untaken = [...workers].filter(({ taken }) => !taken)
  const error = new TroupeError('Unavailable', `${entry}: a thread of its pool failed to start: ${cause.message}`, {
    cause,
  })
  for (const worker of untaken) for (const call of worker.calls) call.reject(error)
  return untaken
}
