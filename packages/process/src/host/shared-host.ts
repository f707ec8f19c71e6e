/**
 * A host whose threads run many processes each. The processes of a thread share its fate: what blocks the thread blocks
 * all of them, and what ends it ends all of them. All processes of a thread have one network. Each network has up to
 * `workers` threads, and all networks together have `max_workers`.
 */
import {
  type EntryId,
  errorToWire,
  type Log,
  invalid,
  type Pid,
  pid,
  startInterval,
  startDeadline,
  stopTimer,
  threadOf,
  type Timer,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { describeNetwork, type Network } from '../kernel/network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'
import type { Host, HostSlot } from './host.ts'
import { defaultWorkers, ProcessCounts } from '../shared-memory/process-counts.ts'
import type { SharedWorker } from './shared-worker.ts'
import type { HostSettings } from './thread-host.ts'

/** Milliseconds between two checks of the threads. */
const watchInterval = 500
/** Event loop utilisation from which a thread counts as busy: other processes in it got almost no time. */
const busyFrom = 0.99
/** Default of `max_workers`, as a multiple of `workers`. */
const maxWorkersFactor = 4
/**
 * Milliseconds that a process to be killed may keep its thread busy. After that, the thread is ended with all its
 * processes.
 */
const killGrace = 1000

export interface SharedHostOptions {
  readonly id: EntryId
  readonly settings: HostSettings
  readonly threads: ThreadTable
  readonly log: Log
  /**
   * Milliseconds for which a thread that is replaced for another network may continue the work that it has begun.
   * @default 30 s
   */
  readonly drainTimeout?: number
}

export class SharedHost implements Host {
  readonly id: EntryId
  readonly #options: SharedHostOptions
  readonly #processCounts: ProcessCounts
  readonly #workers = new Set<SharedWorker>()
  /** Threads that run nothing more, until their event loops are empty. */
  readonly #leaving = new Set<SharedWorker>()
  readonly #perNetwork: number
  readonly #max: number
  /** Processes that are to be killed, by their pid. */
  readonly #killing = new Map<Pid, () => void>()
  readonly #watch: Timer
  #closed = false

  constructor(options: SharedHostOptions) {
    const { settings } = options
    this.id = options.id
    this.#options = options
    this.#perNetwork = settings.workers ?? defaultWorkers
    this.#max = Math.max(this.#perNetwork, settings.maxWorkers ?? maxWorkersFactor * this.#perNetwork)
    // A thread that is being replaced keeps its slot until it has ended.
    this.#processCounts = new ProcessCounts(2 * this.#max, settings.maxProcesses ?? 0x7fffffff)
    while (this.#workers.size < this.#perNetwork) this.#start()
    this.#watch = startInterval(() => {
      this.#look()
    }, watchInterval).unref()
  }

  owns(thread: number): boolean {
    return this.#find(thread) !== undefined
  }

  get sealed(): boolean {
    return this.#options.settings.network === 'sealed'
  }

  get size(): number {
    return this.#processCounts.total
  }

  /** Settles when its threads are warm. */
  async ready(): Promise<void> {
    await Promise.all([...this.#workers].map(async ({ thread }) => thread.ready))
  }

  place(network: Network): HostSlot {
    if (this.#closed) throw unavailable(`host ${this.id} has stopped`, { host: this.id })
    if (network.isolation !== undefined) {
      throw invalid(
        `host ${this.id} is shared, but ${describeNetwork(network)} isolates by its key: ` +
          'start the process in a host of isolation "thread"',
        { host: this.id, overlay: network.overlay },
      )
    }
    const worker = this.#workerFor(network)
    const index = worker.slot
    if (!this.#processCounts.enter(index)) {
      throw unavailable(`host ${this.id} is full: it runs ${this.#options.settings.maxProcesses} processes`, {
        host: this.id,
      })
    }
    const { thread } = worker
    const id = pid(thread.number, worker.next)
    worker.next += 2
    return {
      pid: id,
      thread,
      start: (process, transfer) => {
        thread.post(
          { type: 'start', process: { ...process, pid: id, queueSize: this.#options.settings.queueSize } },
          transfer,
        )
      },
      abandon: () => {
        this.#processCounts.leave(index)
      },
    }
  }

  async kill(id: Pid, error: TroupeError): Promise<void> {
    const worker = this.#find(threadOf(id))
    if (worker === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#killing.set(id, resolve)
    worker.thread.post({ type: 'kill', pid: id, error: errorToWire(error) })
    const timer = startDeadline(() => {
      const reason = new TroupeError(
        'Internal',
        `its thread was ended because ${id} blocked it and had to be killed (${error.message})`,
      )
      void worker.thread.terminate(reason)
    }, killGrace)
    await promise
    stopTimer(timer)
  }

  async retire(): Promise<void> {
    this.#closed = true
  }

  processEnded(id: Pid): void {
    this.#killing.get(id)?.()
    this.#killing.delete(id)
  }

  retireNetworks(isCurrent: (network: Network) => boolean): void {
    for (const worker of this.#workers) {
      const { network } = worker.thread
      if (network !== undefined && !isCurrent(network) && this.#processCounts.of(worker.slot) === 0)
        this.#dismiss(worker)
    }
  }

  threadGone(thread: Thread): void {
    const worker = this.#find(thread.number)
    if (worker === undefined) return
    for (const id of [...this.#killing.keys()]) if (threadOf(id) === thread.number) this.processEnded(id)
    this.#processCounts.clear(worker.slot)
    const leaves = this.#leaving.delete(worker)
    this.#workers.delete(worker)
    // One thread is kept warm for the next process.
    if (!this.#closed && !leaves && this.#workers.size < this.#perNetwork) this.#start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    stopTimer(this.#watch)
    const stopped = new TroupeError('Canceled', `host ${this.id} has stopped`)
    await Promise.all([...this.#workers, ...this.#leaving].map(async ({ thread }) => thread.terminate(stopped)))
  }

  #find(thread: number): SharedWorker | undefined {
    for (const workers of [this.#workers, this.#leaving])
      for (const worker of workers) if (worker.thread.number === thread) return worker
    return undefined
  }

  /**
   * Returns a thread of that network: a new one if more are allowed and all existing ones are in use, else the least
   * loaded.
   */
  #workerFor(network: Network): SharedWorker {
    const own = [...this.#workers].filter(({ thread }) => thread.network?.key === network.key)
    const least = this.#leastLoaded(own)
    if (least !== undefined && (own.length >= this.#perNetwork || this.#processCounts.of(least.slot) === 0))
      return least
    const worker = [...this.#workers].find(({ thread }) => thread.network === undefined) ?? this.#another()
    if (worker === undefined) {
      if (least !== undefined) return least
      throw unavailable(
        `host ${this.id} has no thread for ${describeNetwork(network)}: all ${this.#max} (max_workers) run others`,
        { host: this.id, overlay: network.overlay, maxWorkers: this.#max },
      )
    }
    worker.thread.bind(network)
    return worker
  }

  /** Starts one more thread, if the limit allows; otherwise replaces a thread that runs nothing. */
  #another(): SharedWorker | undefined {
    if (this.#workers.size < this.#max) return this.#start()
    const idle = [...this.#workers].find(({ slot }) => this.#processCounts.of(slot) === 0)
    if (idle === undefined || this.#leaving.size >= this.#max) return undefined
    this.#dismiss(idle)
    return this.#start()
  }

  /** Ends a thread that runs no process, after the work that it has begun has finished. */
  #dismiss(worker: SharedWorker): void {
    const { threads, log, drainTimeout = 30_000 } = this.#options
    this.#workers.delete(worker)
    this.#leaving.add(worker)
    const { thread } = worker
    void threads.drain(thread, drainTimeout).then(async (isCut) => {
      if (isCut)
        log(`thread ${thread.number} was cut for another network: it still ran something`, {
          level: 'warn',
          entry: this.id,
        })
      await thread.terminate(new TroupeError('Canceled', 'its thread was replaced for another network'))
    })
  }

  #freeSlot(): number {
    const taken = new Set([...this.#workers, ...this.#leaving].map(({ slot }) => slot))
    let slot = 0
    while (taken.has(slot)) slot += 1
    return slot
  }

  #start(): SharedWorker {
    const { threads, settings, id } = this.#options
    const slot = this.#freeSlot()
    const shared = {
      host: id,
      worker: slot,
      workers: this.#perNetwork,
      processCounts: this.#processCounts.buffer,
      queueSize: settings.queueSize,
      maxProcesses: settings.maxProcesses ?? 0x7fffffff,
    }
    const thread = threads.start({
      owner: id,
      shared,
      sealed: this.sealed,
      ...(settings.env && { env: settings.env }),
      ...(settings.resourceLimits && { resourceLimits: settings.resourceLimits }),
    })
    const worker = { thread, slot, next: 2, isReady: false, busy: 0 }
    this.#workers.add(worker)
    thread.ready.then(
      () => {
        thread.utilization()
        worker.isReady = true
      },
      () => undefined,
    )
    return worker
  }

  #leastLoaded(workers: readonly SharedWorker[]): SharedWorker | undefined {
    const idlest = Math.min(...workers.map(({ busy }) => busy))
    let best: SharedWorker | undefined
    for (const worker of workers)
      if (
        worker.busy === idlest &&
        (best === undefined || this.#processCounts.of(worker.slot) < this.#processCounts.of(best.slot))
      )
        best = worker
    return best
  }

  /** Finds the threads whose event loops do not respond; new processes are placed elsewhere. */
  #look(): void {
    for (const worker of this.#workers) {
      if (!worker.isReady) continue
      const busy = worker.thread.utilization() >= busyFrom ? worker.thread.ping() : 0
      if (busy > 0 && worker.busy === 0) {
        this.#options.log(`thread ${worker.thread.number} is busy; its processes wait`, {
          level: 'warn',
          entry: this.id,
        })
      }
      worker.busy = busy
    }
  }
}
