/**
 * The worker threads of a pool. Piscina starts, keeps and ends them: it sees the whole time of a thread in a worker as
 * one task.
 */
import { type EntryId, nodeTimeout, TroupeError } from '@troupe/core'
import { ownThread } from '@troupe/network/kernel'
import { readNodePort, threadFailure, type Kernel } from '@troupe/process/kernel'
import { fileURLToPath } from 'node:url'
import type { MessagePort, Worker } from 'node:worker_threads'
import { Piscina, queueOptionsSymbol } from 'piscina'
import { PoolWorker } from './pool-worker.ts'
import type { Task, WorkerSettings } from '../worker/task.ts'

/** Source files run directly; built files are JavaScript. */
const workerModule = fileURLToPath(new URL(`../worker/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

/** Maximum number of threads beyond `max`, for nested calls in networks that have no thread. */
const mostNested = 4096

type Balancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>

export interface PiscinaWorkersOptions {
  readonly kernel: Pick<Kernel, 'threads' | 'note'>
  readonly entry: EntryId
  readonly min: number
  readonly max: number
  readonly idleTimeout: number
  /** Called when a thread without a worker fails: it may have been one that was starting. */
  readonly onError: (error: Error) => void
}

export class PiscinaWorkers implements AsyncDisposable {
  readonly #entry: EntryId
  readonly #piscina: Piscina<Task, never>
  readonly #guarded = new WeakSet<Worker>()
  readonly #note: Kernel['note']

  constructor({ kernel: { threads, note }, entry, min, max, idleTimeout, onError }: PiscinaWorkersOptions) {
    this.#entry = entry
    this.#note = note
    this.#piscina = this.#create(threads, min, max, idleTimeout)
    this.#piscina.on('error', onError)
    this.#piscina.on('workerCreate', () => {
      for (const thread of this.#piscina.threads) this.#guard(thread)
    })
  }

  #create(threads: Kernel['threads'], min: number, max: number, idleTimeout: number): Piscina<Task, never> {
    // Threads of pools belong to the kernel, whatever the network of the surrounding program is.
    const workerData: WorkerSettings = ownThread({ preload: threads.preload })
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
      this.#note(`a thread of ${this.#entry} broke the protocol and is ended: ${why}`, { level: 'error', entry: this.#entry })
      void thread.terminate()
    })
  }

  /** Returns the number of threads that run or start. */
  get count(): number {
    return this.#piscina.threads.length
  }

  /**
   * Assigns a thread to a worker; starts a new one if none is free. Settles with the reason when that thread has ended.
   */
  async occupy(worker: PoolWorker): Promise<TroupeError> {
    const { task, abortHandle } = worker
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

/** Piscina calls this to choose the worker for a task. */
const balancer: Balancer = (task, workers) => {
  const worker = task[queueOptionsSymbol]
  const idle = workers.find((candidate) => candidate.currentUsage === 0)
  if (!(worker instanceof PoolWorker) || idle === undefined) return null
  worker.taken = true
  return idle
}

/** Returns the error of a call whose thread ended during the call. */
function failureOf(entry: EntryId, error: unknown): TroupeError {
  const failure = error instanceof Error ? error : new Error(String(error))
  const code = /^worker exited with code: (\d+)$/.exec(failure.message)?.[1]
  const { kind, message, details } = threadFailure(Number(code ?? 1), code === undefined ? failure : undefined)
  return new TroupeError(kind, `${entry}: ${message}`, { details: { ...details, entry }, cause: failure })
}
