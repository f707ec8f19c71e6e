/**
 * The threads that run the calls of one entry. Calls and their results use the wire between each thread and the kernel.
 * Waiting calls are in a queue of this class, which they can leave at no cost. Each thread has one network for its
 * whole life, and runs only calls of that network. If calls of another network wait and the pool has its maximum number
 * of threads, an idle thread gives way.
 */
import { type EntryId, errorFromWire, type OverlayChoice, startTimer, stopTimer, type Timer, TroupeError, unavailable } from '@troupe/core'
import type { Network, Program, Thread, WireExit } from '@troupe/process/kernel'
import { availableParallelism } from 'node:os'
import { CallQueue } from './call-queue.ts'
import { checkIsolation, fairWait, isOwed, rejectStale, withoutWorker } from './fair-share.ts'
import type { PoolOptions, PoolStatus } from './pool-options.ts'
import type { PoolCall } from './pool-call.ts'
import { PoolWorker } from './pool-worker.ts'
import { exitGraceMs, EndingWorkers, failUntaken, idleIn, workerOf, statusOf } from './worker-selection.ts'
import { PiscinaWorkers } from './piscina-workers.ts'

/** Milliseconds that calls wait behind one that does not end, before they are taken back. */
const stallTimeoutMs = 5

export class Pool implements AsyncDisposable {
  readonly entry: EntryId
  readonly program: Program
  readonly pin: OverlayChoice
  readonly #options: PoolOptions
  readonly #max: number
  readonly #piscina: PiscinaWorkers
  readonly #workers = new Set<PoolWorker>()
  /** Workers whose threads get no more calls, and end when they are idle. */
  readonly #leaving = new Set<PoolWorker>()
  readonly #ending = new EndingWorkers()
  readonly #waiting = new CallQueue()
  /** Calls that come back from a thread that has ended. */
  #returned: PoolCall[] = []
  #feeding = false
  #closed = false
  #idleTimer: Timer | undefined
  #patienceTimer: Timer | undefined
  #fairTimer: Timer | undefined
  #onEmpty: () => void = () => undefined

  constructor(options: PoolOptions) {
    const { settings, kernel } = options
    this.entry = options.entry
    this.program = options.program
    this.pin = options.pin
    this.#options = options
    this.#max = Math.max(settings.min, settings.max ?? availableParallelism())
    const { min, idleTimeout } = settings
    const onError = (error: Error) => {
      for (const worker of failUntaken(this.entry, this.#workers, error)) this.#close(worker)
    }
    this.#piscina = new PiscinaWorkers({ kernel, entry: options.entry, min, max: this.#max, idleTimeout, onError })
  }

  /** Returns whether a call in that network would have to wait. */
  isFull(network: Network): boolean {
    return !this.#hasRoom && idleIn(network, this.#workers) === undefined
  }

  get status(): PoolStatus {
    return statusOf(this.entry, this.#piscina.count, [...this.#workers, ...this.#leaving], this.#waiting.size + this.#returned.length)
  }

  /**
   * Runs a call, as soon as a thread is available.
   *
   * @param isNested - Whether the call is inside another one that may hold the thread it would wait for. Then it gets a
   *   thread at once, beyond `max` if necessary.
   */
  run(call: PoolCall, isNested = false): void {
    if (this.#closed) throw unavailable(`${this.entry}: its pool has stopped`, { entry: this.entry })
    const { queue } = this.#options.settings
    const idle = idleIn(call.network, this.#workers)
    const isFull = idle === undefined && !this.#hasRoom && !isNested
    if (call.network.isolation !== undefined) checkIsolation(this.entry, this.#options.settings, call.network, this.#networks)
    if (isFull && this.#waiting.size >= queue && this.status.waiting >= queue) {
      throw unavailable(`${this.entry}: its ${this.#max} threads are busy, and ${queue} calls wait already`, { entry: this.entry, queue })
    }
    const { deadline } = call.frame
    if (deadline !== undefined) {
      call.watch(deadline - Date.now(), () => {
        this.cancel(call, new TroupeError('Timeout', `${this.entry} did not return by its deadline`))
      })
    }
    if (isFull) {
      this.#waiting.add(call)
      this.#feedSoon()
    } else this.#give(idle ?? this.#open(call.network), [call])
  }

  /**
   * Rejects a call at once. If it runs, its function is asked to stop. Its thread takes no other call until the
   * function has stopped, and is ended if the function does not stop within the grace period.
   */
  cancel(call: PoolCall, error: TroupeError): void {
    call.reject(error)
    const worker = workerOf(call, this.#workers, this.#leaving)
    if (this.#waiting.delete(call) || worker?.withdraw(call) === true) {
      call.unwatch()
      this.#checkEmpty()
      return
    }
    if (worker === undefined) return
    worker.cancel(call, error.message)
    this.#takeBack(worker)
    call.watch(this.#options.grace, () => {
      this.#close(worker)
    })
  }

  /** Gives no more calls to threads of networks that are no longer current. */
  retireNetworks(isCurrent: (network: Network) => boolean): void {
    rejectStale(this.entry, this.#waiting, isCurrent)
    for (const worker of this.#workers) if (!isCurrent(worker.network)) this.#dismiss(worker)
    this.#checkEmpty()
  }

  /** Ends a thread of this pool, and rejects the call that runs in it with `error`. Ignores other threads. */
  readonly kill = (thread: Thread, error: TroupeError): void => {
    for (const worker of [...this.#workers, ...this.#leaving]) {
      if (worker.thread !== thread) continue
      this.#takeBack(worker)
      for (const call of worker.calls) call.reject(error)
      this.#close(worker)
    }
  }

  /** Lets the calls that it has been given end, and then closes the pool. */
  async leave(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    if (!this.#isEmpty) await promise
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onEmpty()
    this.#closed = true
    for (const timer of [this.#idleTimer, this.#patienceTimer, this.#fairTimer]) stopTimer(timer)
    const stopped = new TroupeError('Canceled', `${this.entry}: its pool has stopped`)
    const given = [...this.#workers, ...this.#leaving].flatMap(({ calls }) => [...calls])
    for (const call of [...this.#returned, ...this.#waiting.clear(), ...given]) {
      call.reject(stopped)
      call.unwatch()
    }
    this.#returned = []
    await Promise.all([...this.#workers, ...this.#leaving, ...this.#ending.all].map(async (worker) => worker.nativeEnd()))
    await this.#piscina[Symbol.asyncDispose]()
  }

  /** Returns the networks that have threads, or calls that wait for one. */
  get #networks(): readonly Network[] {
    return [...this.#workers, ...this.#leaving].map(({ network }) => network).concat(this.#waiting.networks)
  }

  get #hasRoom(): boolean {
    return this.#workers.size + this.#leaving.size + this.#ending.size < this.#max
  }

  get #isEmpty(): boolean {
    const { running, waiting } = this.status
    return running === 0 && waiting === 0
  }

  #checkEmpty(): void {
    if (this.#isEmpty) this.#onEmpty()
  }

  /** Makes piscina find or start a thread. */
  #open(network: Network): PoolWorker {
    const worker = new PoolWorker({
      network,
      kernel: this.#options.kernel,
      program: this.program,
      onEnd: this.#onEnd,
      onReturn: this.#onReturn,
      end: this.kill,
      onGone: this.#onGone,
    })
    this.#workers.add(worker)
    void this.#piscina.occupy(worker).then((error) => {
      this.#threadEnded(worker, error)
    })
    return worker
  }

  #close(worker: PoolWorker): void {
    this.#workers.delete(worker)
    this.#leaving.delete(worker)
    // It counts until its thread is gone. One that does not end stops counting after a grace period.
    this.#ending.add(worker, this.#feedSoon)
    worker.end()
  }

  /** Gives a thread no more calls, and ends it when it is idle. */
  #dismiss(worker: PoolWorker): void {
    if (!this.#workers.delete(worker)) return
    this.#leaving.add(worker)
    this.#waiting.gaveWay(worker.network)
    this.#takeBack(worker)
    if (worker.size === 0) this.#drain(worker)
  }

  #drain(worker: PoolWorker): void {
    const { kernel } = this.#options
    void kernel.threads.drain(worker.thread, kernel.drainTimeout).then((isCut) => {
      if (!this.#leaving.has(worker)) return
      if (isCut)
        kernel.note(`${this.entry}: thread ${worker.thread.number} gave way to another network and was cut: it still ran something`)
      this.#close(worker)
    })
  }

  #threadEnded(worker: PoolWorker, error: TroupeError): void {
    this.#workers.delete(worker)
    this.#leaving.delete(worker)
    worker.hasEnded = true
    worker.setEnded(error)
    // Otherwise its last messages are read before its end is reported, and it counts until then.
    if (!worker.taken) this.#options.kernel.threads.remove(worker.thread, error)
    if (worker.thread.gone) this.#ending.delete(worker)
    else this.#ending.add(worker, this.#feedSoon)
    this.#feedSoon()
  }

  #give(worker: PoolWorker, calls: readonly PoolCall[]): void {
    worker.offer(calls)
    if (worker.size > 1) this.#watchPatience()
  }

  readonly #feedSoon = (): void => {
    if (this.#feeding) return
    this.#feeding = true
    // Together with the other calls that are made in this turn.
    process.nextTick(() => {
      this.#feeding = false
      if (!this.#closed) this.#feed()
    })
  }

  /** Gives waiting calls to threads that have room: first to idle threads. */
  #feed(): void {
    if (this.#returned.length > 0) {
      this.#waiting.addFirst(this.#returned.splice(0).filter(({ settled }) => !settled))
    }
    // The longest wait comes first, where several networks compete for one thread.
    const networks = this.#waiting.networks.toSorted((a, b) => this.#waiting.waitingSince(a) - this.#waiting.waitingSince(b))
    for (const network of networks) this.#startWorkers(network)
    this.#makeRoom()
    for (const worker of this.#workers) {
      if (this.#waiting.size === 0) return
      if (!this.#isOwed(worker)) this.#refill(worker)
    }
  }

  #startWorkers(network: Network): void {
    while (this.#waiting.count(network) > 0) {
      const idle = idleIn(network, this.#workers)
      const worker = idle ?? (this.#hasRoom ? this.#open(network) : undefined)
      // A thread that must give way takes no more calls, however long its own network's calls wait.
      if (worker === undefined || (worker === idle && this.#isOwed(worker))) return
      this.#give(worker, this.#waiting.take(network, 1))
    }
  }

  /**
   * Lets idle threads give way to networks without a thread. If no thread is idle, the busy ones that run call after
   * call give way.
   */
  #makeRoom(): void {
    if (this.#hasRoom) return
    for (const network of withoutWorker(this.#waiting, this.#workers, this.#leaving.size)) {
      const idle = this.#workers.values().find((worker) => worker.isIdle)
      if (idle === undefined) this.#watchFairness(network)
      else this.#dismiss(idle)
    }
  }

  #watchFairness(network: Network): void {
    const due = this.#waiting.waitingSince(network) + fairWait - performance.now()
    this.#fairTimer ??= startTimer(
      () => {
        this.#fairTimer = undefined
        for (const worker of this.#workers) if (this.#isOwed(worker)) this.#takeBack(worker)
        this.#feedSoon()
      },
      due > 0 ? due : fairWait,
    ).unref()
  }

  /** Returns whether a network without a thread has waited so long that this worker must give way. */
  #isOwed(worker: PoolWorker): boolean {
    return isOwed(worker, this.#waiting, this.#workers, this.#leaving.size)
  }

  #refill(worker: PoolWorker): void {
    const { network } = worker
    const waiting = this.#waiting.count(network)
    if (waiting === 0) return
    const workers = this.#workers.values().reduce((sum, other) => (other.network.key === network.key ? sum + 1 : sum), 0)
    const calls = this.#waiting.take(network, Math.min(worker.room, Math.ceil(waiting / workers)))
    if (calls.length > 0) this.#give(worker, calls)
  }

  /** Takes back the calls that wait behind one that does not end. */
  #takeBack(worker: PoolWorker): void {
    const calls = worker.withdrawAll()
    if (calls.length === 0) return
    this.#returned.push(...calls)
    this.#feedSoon()
  }

  #watchPatience(): void {
    this.#patienceTimer ??= startTimer(() => {
      this.#patienceTimer = undefined
      for (const worker of this.#workers) if (worker.size > 1 && worker.stands()) this.#takeBack(worker)
      for (const { size } of this.#workers) if (size > 1) this.#watchPatience()
    }, stallTimeoutMs).unref()
  }

  readonly #onEnd = (worker: PoolWorker, call: PoolCall, exit: WireExit): void => {
    call.unwatch()
    if (worker.thread.gone) {
      // The kernel knows that it has ended, and piscina knows why.
      void worker.ended.then((error) => {
        call.reject(error)
      })
    } else if ('error' in exit) call.reject(errorFromWire(exit.error))
    else call.resolve(exit.value)
    if (this.#waiting.size > 0 && !this.#closed && this.#workers.has(worker)) {
      if (this.#isOwed(worker)) this.#feedSoon()
      else this.#refill(worker)
    }
    if (worker.size > 0) return
    if (this.#leaving.has(worker)) this.#drain(worker)
    // A thread that a nested call needed beyond `max`.
    else if (this.#workers.size > this.#max) this.#dismiss(worker)
    else if (this.#waiting.size > 0) this.#feedSoon()
    this.#watchIdle()
    this.#checkEmpty()
  }

  readonly #onReturn = (call: PoolCall): void => {
    if (call.settled || this.#closed) return
    this.#returned.push(call)
    this.#feedSoon()
  }

  /** Handles a worker whose wire is closed: it is about to end, or its code has closed the wire. */
  readonly #onGone = (worker: PoolWorker): void => {
    const isHere = () => this.#workers.has(worker) || this.#leaving.has(worker)
    if (!isHere()) {
      if (worker.hasEnded) this.#ending.delete(worker)
      this.#feedSoon()
      return
    }
    startTimer(() => {
      if (isHere()) this.#close(worker)
    }, exitGraceMs).unref()
  }

  /** Ends threads that have been idle for long. */
  #watchIdle(): void {
    const { min, idleTimeout } = this.#options.settings
    if (this.#closed || this.#idleTimer !== undefined || this.#piscina.count <= min) return
    this.#idleTimer = startTimer(() => {
      this.#idleTimer = undefined
      const now = performance.now()
      for (const worker of this.#workers) {
        if (worker.isIdle && now - worker.idleSince >= idleTimeout && this.#piscina.count > min) this.#close(worker)
      }
      if (this.#workers.values().some((worker) => worker.isIdle)) this.#watchIdle()
    }, idleTimeout).unref()
  }
}
