/**
 * The worker threads of a pool. Piscina starts, keeps and ends them: it sees the whole time of a thread in a worker as
 * one task.
 */
import { type EntryId, lazyModule, nodeTimeout, TroupeError } from '@troupe/core'
import { ownThread } from '@troupe/network/kernel'
import {
  type Kernel,
  type Network,
  type Program,
  readNodePort,
  type Thread,
  threadFailure,
} from '@troupe/process/kernel'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { MessagePort, Worker } from 'node:worker_threads'
import type * as PiscinaPackage from 'piscina'
import { CallSlots, slotCount } from '../call-slots.ts'
import type { Task, WorkerSettings } from '../worker/task.ts'
import type { WorkerPlace, WorkerSource } from './worker-place.ts'

const piscina = lazyModule<typeof PiscinaPackage>(() => createRequire(import.meta.url)('piscina'))

/** Source files run directly; built files are JavaScript. */
const workerModule = fileURLToPath(
  new URL(`../worker/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

/** Maximum number of threads beyond `max`, for nested calls in networks that have no thread. */
const mostNested = 4096

type Balancer = NonNullable<NonNullable<ConstructorParameters<typeof PiscinaPackage.Piscina>[0]>['loadBalancer']>

export interface PiscinaWorkersOptions {
  readonly kernel: Pick<Kernel, 'threads' | 'note'>
  readonly program: Program
  readonly min: number
  readonly max: number
  readonly idleTimeout: number
  /** Called when a thread without a worker fails: it may have been one that was starting. */
  readonly onError: (error: Error) => void
}

export class PiscinaWorkers implements WorkerSource {
  readonly #threads: Kernel['threads']
  readonly #program: Program
  readonly #entry: EntryId
  readonly #piscina: PiscinaPackage.Piscina<Task, never>
  readonly #guarded = new WeakSet<Worker>()
  readonly #note: Kernel['note']

  constructor({ kernel: { threads, note }, program, min, max, idleTimeout, onError }: PiscinaWorkersOptions) {
    this.#threads = threads
    this.#program = program
    this.#entry = program.entry
    this.#note = note
    this.#piscina = this.#create(threads, min, max, idleTimeout)
    this.#piscina.on('error', onError)
    this.#piscina.on('workerCreate', () => {
      for (const thread of this.#piscina.threads) this.#guard(thread)
    })
  }

  #create(
    threads: Kernel['threads'],
    min: number,
    max: number,
    idleTimeout: number,
  ): PiscinaPackage.Piscina<Task, never> {
    // Threads of pools belong to the kernel, whatever the network of the surrounding program is.
    const workerData: WorkerSettings = ownThread({ preload: threads.preload })
    const { Piscina } = piscina()
    return new Piscina({
      filename: workerModule,
      workerData,
      env: threads.env,
      minThreads: min,
      // The code that opens workers decides how many exist: nested calls may need some beyond `max`.
      maxThreads: max + mostNested,
      idleTimeout: nodeTimeout(idleTimeout),
      concurrentTasksPerWorker: 1,
      maxQueue: max + mostNested,
      // Otherwise an idle thread sleeps outside its event loop, and its open connections would not see their end.
      atomics: 'disabled',
      recordTiming: false,
      loadBalancer: balancer,
    })
  }

  /** Ends a thread that sends an invalid message in Node's own protocol. */
  #guard(thread: Worker): void {
    if (this.#guarded.has(thread)) return
    this.#guarded.add(thread)
    readNodePort(thread, (why) => {
      this.#note(`a thread of ${this.#entry} broke the protocol and is ended: ${why}`, {
        level: 'error',
        entry: this.#entry,
      })
      void thread.terminate()
    })
  }

  /** Returns the number of threads that run or start. */
  get count(): number {
    return this.#piscina.threads.length
  }

  open(network: Network, onGone: () => void): WorkerPlace {
    const occupy = async (place: PiscinaPlace) => this.#occupy(place)
    const worker = (id: number) => this.#piscina.threads.find(({ threadId }) => threadId === id)
    return new PiscinaPlace({ threads: this.#threads, program: this.#program, network, occupy, worker, onGone })
  }

  async #occupy({ task, abortHandle }: PiscinaPlace): Promise<TroupeError> {
    // Piscina requires an array, its types require the options of `structuredClone`: this value is both.
    const transferList: MessagePort[] & { readonly transfer?: MessagePort[] } = [task.thread.port]
    try {
      return await this.#piscina.run(task, { transferList, signal: abortHandle })
    } catch (error) {
      return failureOf(this.#entry, error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#piscina.destroy()
  }
}

interface PiscinaPlaceOptions {
  readonly threads: Kernel['threads']
  readonly program: Program
  readonly network: Network
  readonly occupy: (place: PiscinaPlace) => Promise<TroupeError>
  /** The worker with that id of Node's. */
  readonly worker: (id: number) => Worker | undefined
  readonly onGone: () => void
}

/** A worker thread of piscina's, once piscina has found or started one. */
class PiscinaPlace implements WorkerPlace {
  readonly thread: Thread
  readonly slots = new CallSlots()
  readonly maxWindow = slotCount
  taken = false
  /** The task that piscina passes to a worker. */
  readonly task: Task
  readonly abortHandle = new AbortHandle()
  readonly #occupy: PiscinaPlaceOptions['occupy']
  readonly #worker: PiscinaPlaceOptions['worker']

  constructor({ threads, program, network, occupy, worker, onGone }: PiscinaPlaceOptions) {
    const { thread, data } = threads.adopt(network, program.entry, onGone)
    this.thread = thread
    this.task = { thread: data, service: { program, slots: this.slots.memory } }
    // Piscina shows this property of a task to the balancer.
    Reflect.set(this.task, piscina().queueOptionsSymbol, this)
    this.#occupy = occupy
    this.#worker = worker
  }

  /** Piscina has found a worker for it. */
  take(id: number): void {
    this.taken = true
    this.thread.worker = this.#worker(id)
  }

  async occupy(): Promise<TroupeError> {
    return this.#occupy(this)
  }

  end(): void {
    this.abortHandle.flip()
  }
}

/** Piscina calls this to choose the worker for a task. */
const balancer: Balancer = (task, workers) => {
  const place = task[piscina().queueOptionsSymbol]
  const idle = workers.find((candidate) => candidate.currentUsage === 0)
  if (!(place instanceof PiscinaPlace) || idle === undefined) return null
  place.take(idle.id)
  return idle
}

/**
 * Used by piscina like an AbortSignal, at a fraction of the cost: ends the worker that has the task, or removes the
 * task from the queue.
 */
class AbortHandle {
  #listener: (() => void) | undefined

  once(_event: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  off(): void {
    this.#listener = undefined
  }

  removeListener(): void {
    this.#listener = undefined
  }

  flip(): void {
    this.#listener?.()
  }
}

/** Returns the error of a call whose thread ended during the call. */
function failureOf(entry: EntryId, error: unknown): TroupeError {
  const failure = error instanceof Error ? error : new Error(String(error))
  const code = /^worker exited with code: (\d+)$/.exec(failure.message)?.[1]
  const { kind, message, details } = threadFailure(Number(code ?? 1), code === undefined ? failure : undefined)
  return new TroupeError(kind, `${entry}: ${message}`, { details: { ...details, entry }, cause: failure })
}
