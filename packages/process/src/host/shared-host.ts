/**
 * A host whose threads run many processes each. They share a thread's fate: what blocks the thread blocks all in it, and what ends it ends
 * them all.
 */
import {
  type EntryId,
  errorToWire,
  type Log,
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
import type { Thread, WorkerThread } from '../kernel/thread.ts'
import type { Threads } from '../kernel/threads.ts'
import type { Host, Place } from './host.ts'
import { defaultWorkers, Population } from './population.ts'
import type { HostSettings } from './thread-host.ts'

/** How often threads are looked at. */
const watchInterval = 500
/** Share of an interval from which a thread counts as busy: no other process in it got a turn worth the name. */
const busyFrom = 0.99
/** How long a process that is to be ended may keep its thread, before the thread is ended with all in it. */
const killGrace = 1000

export interface SharedHostOptions {
  readonly id: EntryId
  readonly settings: HostSettings
  readonly threads: Threads
  readonly log: Log
}

interface Worker {
  readonly thread: WorkerThread
  /** Serial of the next process that the kernel places there: even ones; the thread itself counts by odd ones. */
  next: number
  /** It has started; before, it is busy with that. */
  isReady: boolean
  busy: boolean
}

export class SharedHost implements Host {
  readonly id: EntryId
  readonly #options: SharedHostOptions
  readonly #population: Population
  readonly #workers: Worker[]
  /** Processes that are to be ended, by their pid. */
  readonly #killing = new Map<Pid, () => void>()
  readonly #watch: Timer
  #closed = false

  constructor(options: SharedHostOptions) {
    const { settings } = options
    this.id = options.id
    this.#options = options
    this.#population = new Population(settings.workers ?? defaultWorkers, settings.maxProcesses ?? 0x7fffffff)
    this.#workers = Array.from({ length: this.#population.workers }, (_, index) => this.#start(index))
    this.#watch = startInterval(() => {
      this.#look()
    }, watchInterval).unref()
  }

  owns(thread: number): boolean {
    return this.#workers.some((worker) => worker.thread.number === thread)
  }

  get sealed(): boolean {
    return this.#options.settings.network === 'sealed'
  }

  get size(): number {
    return this.#population.total
  }

  /** Settles when its threads are warm. */
  async ready(): Promise<void> {
    await Promise.all(this.#workers.map(async ({ thread }) => thread.ready))
  }

  place(): Place {
    if (this.#closed) throw unavailable(`host ${this.id} has stopped`, { host: this.id })
    const index = this.#leastLoaded()
    const worker = this.#workers[index]
    if (worker === undefined || !this.#population.enter(index)) {
      throw unavailable(`host ${this.id} is full: it runs ${this.#options.settings.maxProcesses} processes`, { host: this.id })
    }
    const { thread } = worker
    const id = pid(thread.number, worker.next)
    worker.next += 2
    return {
      pid: id,
      thread,
      start: (process) => {
        thread.post({ type: 'start', process: { ...process, pid: id, queueSize: this.#options.settings.queueSize } })
      },
      abandon: () => {
        this.#population.leave(index)
      },
    }
  }

  async kill(id: Pid, error: TroupeError): Promise<void> {
    const worker = this.#workers.find(({ thread }) => thread.number === threadOf(id))
    if (worker === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#killing.set(id, resolve)
    worker.thread.post({ type: 'kill', pid: id, error: errorToWire(error) })
    const timer = startDeadline(() => {
      const reason = new TroupeError('Internal', `its thread was ended, since ${id} kept it and was to be ended (${error.message})`)
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

  threadGone(thread: Thread): void {
    const index = this.#workers.findIndex((worker) => worker.thread === thread)
    if (index === -1) return
    for (const id of [...this.#killing.keys()]) if (threadOf(id) === thread.number) this.processEnded(id)
    this.#population.clear(index)
    if (!this.#closed) this.#workers[index] = this.#start(index)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    stopTimer(this.#watch)
    const stopped = new TroupeError('Canceled', `host ${this.id} has stopped`)
    await Promise.all(this.#workers.map(async ({ thread }) => thread.terminate(stopped)))
  }

  #start(index: number): Worker {
    const { threads, settings, id } = this.#options
    const shared = {
      host: id,
      worker: index,
      population: this.#population.buffer,
      queueSize: settings.queueSize,
      maxProcesses: settings.maxProcesses ?? 0x7fffffff,
    }
    const thread = threads.start({
      shared,
      sealed: this.sealed,
      ...(settings.resourceLimits && { resourceLimits: settings.resourceLimits }),
    })
    const worker = { thread, next: 2, isReady: false, busy: false }
    thread.ready.then(
      () => {
        thread.utilization()
        worker.isReady = true
      },
      () => undefined,
    )
    return worker
  }

  #leastLoaded(): number {
    const open = this.#workers
      .keys()
      .filter((index) => this.#workers[index]?.busy !== true)
      .toArray()
    const candidates = open.length > 0 ? open : [...this.#workers.keys()]
    return candidates.reduce((best, index) => (this.#population.of(index) < this.#population.of(best) ? index : best))
  }

  /** Sees which threads do not come back to their loop; new processes go elsewhere. */
  #look(): void {
    for (const [index, worker] of this.#workers.entries()) {
      if (!worker.isReady) continue
      const busy = worker.thread.utilization() >= busyFrom
      if (busy && !worker.busy) {
        this.#options.log(
          `host ${this.id}: thread ${worker.thread.number} is busy; the ${this.#population.of(index)} processes in it wait`,
          { level: 'warn' },
        )
      }
      worker.busy = busy
    }
  }
}
