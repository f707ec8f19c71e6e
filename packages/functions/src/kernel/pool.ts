/**
 * The calls of one entry, and the threads that run them. Waiting calls are in a queue of this class, which they can
 * leave at no cost. A thread runs only calls of its network. If calls of another network wait and the pool has its
 * maximum number of threads, an idle thread gives way.
 */
import {
  type EntryId,
  errorFromWire,
  type OverlayChoice,
  startTimer,
  stopTimer,
  type Timer,
  TroupeError,
  unavailable,
} from '@troupe/core'
import type { Network, Program, Thread, WireExit } from '@troupe/process/kernel'
import { availableParallelism } from 'node:os'
import { CallQueue } from './call-queue.ts'
import { checkIsolation, fairWait, isOwed, rejectStale, withoutWorker } from './fair-share.ts'
import type { PoolOptions, PoolStatus } from './pool-options.ts'
import type { PoolCall } from './pool-call.ts'
import { PoolThreads } from './pool-threads.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Milliseconds that calls wait behind one that does not end, before they are taken back. */
const stallTimeoutMs = 5

export class Pool implements AsyncDisposable {
  readonly entry: EntryId
  readonly program: Program
  readonly pin: OverlayChoice
  readonly #options: PoolOptions
  readonly #max: number
  readonly #threads: PoolThreads
  readonly #waiting = new CallQueue()
  /** Calls that come back from a thread that has ended. */
  readonly #returned: PoolCall[] = []
  #feeding = false
  #closed = false
  #patienceTimer: Timer | undefined
  #fairTimer: Timer | undefined
  #onEmpty: () => void = () => undefined

  constructor(options: PoolOptions) {
    const { settings } = options
    this.entry = options.entry
    this.program = options.program
    this.pin = options.pin
    this.#options = options
    this.#max = Math.max(settings.min, settings.max ?? availableParallelism())
    this.#threads = new PoolThreads({
      ...options,
      max: this.#max,
      onEnd: this.#onEnd,
      onReturn: this.#onReturn,
      onGaveWay: (worker) => {
        this.#waiting.gaveWay(worker.network)
        this.#takeBack(worker)
      },
      takeBack: (worker) => {
        this.#takeBack(worker)
      },
      onFree: this.#feedSoon,
    })
  }

  /** Returns whether a call in that network would have to wait. */
  isFull(network: Network): boolean {
    return !this.#threads.hasRoom && this.#threads.idleIn(network) === undefined
  }

  get status(): PoolStatus {
    return this.#threads.status(this.#waiting.size + this.#returned.length)
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
    const idle = this.#threads.idleIn(call.network)
    const isFull = idle === undefined && !this.#threads.hasRoom && !isNested
    if (call.network.isolation !== undefined) {
      const known = this.#threads.all.map(({ network }) => network).concat(this.#waiting.networks)
      checkIsolation(this.entry, this.#options.settings, call.network, known)
    }
    if (isFull && this.#waiting.size >= queue && this.status.waiting >= queue) {
      const { entry } = this
      throw unavailable(`${entry}: its ${this.#max} threads are busy, and ${queue} calls wait already`, {
        entry,
        queue,
      })
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
    } else this.#give(idle ?? this.#threads.open(call.network), [call])
  }

  /**
   * Rejects a call at once. If it runs, its function is asked to stop. Its thread takes no other call until the
   * function has stopped, and is ended if the function does not stop within the grace period.
   */
  cancel(call: PoolCall, error: TroupeError): void {
    call.reject(error)
    const worker = this.#threads.workerOf(call)
    if (this.#waiting.delete(call) || worker?.withdraw(call) === true) {
      call.unwatch()
      this.#checkEmpty()
      return
    }
    if (worker === undefined) return
    worker.cancel(call, error.message)
    this.#takeBack(worker)
    call.watch(this.#options.grace, () => {
      this.#threads.close(worker)
    })
  }

  /** Gives no more calls to threads of networks that are no longer current. */
  retireNetworks(isCurrent: (network: Network) => boolean): void {
    rejectStale(this.entry, this.#waiting, isCurrent)
    for (const worker of this.#threads.working) if (!isCurrent(worker.network)) this.#threads.dismiss(worker)
    this.#checkEmpty()
  }

  /** Ends a thread of this pool, and rejects the call that runs in it with `error`. Ignores other threads. */
  kill(thread: Thread, error: TroupeError): void {
    this.#threads.kill(thread, error)
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
    for (const timer of [this.#patienceTimer, this.#fairTimer]) stopTimer(timer)
    const stopped = new TroupeError('Canceled', `${this.entry}: its pool has stopped`)
    const given = this.#threads.all.flatMap(({ calls }) => [...calls])
    for (const call of [...this.#returned.splice(0), ...this.#waiting.clear(), ...given]) {
      call.reject(stopped)
      call.unwatch()
    }
    await this.#threads[Symbol.asyncDispose]()
  }

  get #isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#returned.length === 0 && this.#threads.areIdle
  }

  #checkEmpty(): void {
    if (this.#isEmpty) this.#onEmpty()
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
    const networks = this.#waiting.networks.toSorted(
      (a, b) => this.#waiting.waitingSince(a) - this.#waiting.waitingSince(b),
    )
    for (const network of networks) this.#startWorkers(network)
    this.#makeRoom()
    for (const worker of this.#threads.working) {
      if (this.#waiting.size === 0) return
      if (!this.#isOwed(worker)) this.#refill(worker)
    }
  }

  #startWorkers(network: Network): void {
    while (this.#waiting.count(network) > 0) {
      const idle = this.#threads.idleIn(network)
      const worker = idle ?? (this.#threads.hasRoom ? this.#threads.open(network) : undefined)
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
    if (this.#threads.hasRoom) return
    for (const network of withoutWorker(this.#waiting, this.#threads.working, this.#threads.leaving.size)) {
      const idle = this.#threads.working.values().find((worker) => worker.isIdle)
      if (idle === undefined) this.#watchFairness(network)
      else this.#threads.dismiss(idle)
    }
  }

  #watchFairness(network: Network): void {
    const due = this.#waiting.waitingSince(network) + fairWait - performance.now()
    this.#fairTimer ??= startTimer(
      () => {
        this.#fairTimer = undefined
        for (const worker of this.#threads.working) if (this.#isOwed(worker)) this.#takeBack(worker)
        this.#feedSoon()
      },
      due > 0 ? due : fairWait,
    ).unref()
  }

  /** Returns whether a network without a thread has waited so long that this worker must give way. */
  #isOwed(worker: PoolWorker): boolean {
    return isOwed(worker, this.#waiting, this.#threads.working, this.#threads.leaving.size)
  }

  #refill(worker: PoolWorker): void {
    const { network } = worker
    const waiting = this.#waiting.count(network)
    if (waiting === 0) return
    const workers = this.#threads.working
      .values()
      .reduce((sum, other) => (other.network.key === network.key ? sum + 1 : sum), 0)
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
      for (const worker of this.#threads.working) if (worker.size > 1 && worker.stands()) this.#takeBack(worker)
      for (const { size } of this.#threads.working) if (size > 1) this.#watchPatience()
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
    if (this.#waiting.size > 0 && !this.#closed && this.#threads.working.has(worker)) {
      if (this.#isOwed(worker)) this.#feedSoon()
      else this.#refill(worker)
    }
    if (worker.size > 0) return
    if (this.#threads.leaving.has(worker)) this.#threads.drain(worker)
    // A thread that a nested call needed beyond `max`.
    else if (this.#threads.working.size > this.#max) this.#threads.dismiss(worker)
    else if (this.#waiting.size > 0) this.#feedSoon()
    this.#threads.watchIdle()
    this.#checkEmpty()
  }

  readonly #onReturn = (call: PoolCall): void => {
    if (call.settled || this.#closed) return
    this.#returned.push(call)
    this.#feedSoon()
  }
}
