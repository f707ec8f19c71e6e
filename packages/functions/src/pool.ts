/**
 * The threads that run the calls of one entry. Piscina starts and ends threads and carries tasks; the queue is ours, so that piscina never
 * holds more tasks than threads, and a call that waits can leave at no cost.
 */
import { type EntryId, errorFromWire, errorToWire, type OverlayChoice, TroupeError, unavailable } from '@troupe/core'
import type { WireExit } from '@troupe/process'
import { type Kernel, type Program, type Thread, threadFailure } from '@troupe/process/kernel'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Piscina, queueOptionsSymbol } from 'piscina'
import type { PoolSettings } from './kinds.ts'
import { PoolCall } from './pool-call.ts'
import type { Task, WorkerSettings } from './task.ts'

/** Source files run as they are; built ones are JavaScript. */
const worker = fileURLToPath(new URL(`./worker${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

type Balancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>

export interface PoolOptions {
  readonly kernel: Kernel
  readonly entry: EntryId
  readonly program: Program
  /** The overlay that the entry is pinned to. */
  readonly pin: OverlayChoice
  readonly settings: PoolSettings
  /** Milliseconds that a cancelled call is given to come back before its thread is ended. */
  readonly grace: number
}

/** A pool, as it is now. */
export interface PoolStatus {
  readonly entry: EntryId
  readonly threads: number
  /** Calls that have a thread, or for which one starts. */
  readonly running: number
  /** Calls that wait for a thread. */
  readonly waiting: number
}

export class Pool implements AsyncDisposable {
  readonly entry: EntryId
  readonly program: Program
  readonly pin: OverlayChoice
  readonly #options: PoolOptions
  readonly #max: number
  readonly #piscina: Piscina<Task, WireExit>
  readonly #waiting = new Set<PoolCall>()
  readonly #running = new Set<PoolCall>()
  /** By the number that Node gives to a worker. */
  readonly #threads = new Map<number, Thread>()
  #closed = false
  #onEmpty: () => void = () => undefined

  constructor(options: PoolOptions) {
    const { settings, kernel } = options
    this.entry = options.entry
    this.program = options.program
    this.pin = options.pin
    this.#options = options
    this.#max = Math.max(settings.min, settings.max ?? availableParallelism())
    const workerData: WorkerSettings = { preload: kernel.threads.preload }
    this.#piscina = new Piscina({
      filename: worker,
      workerData,
      env: kernel.threads.env,
      minThreads: settings.min,
      maxThreads: this.#max,
      idleTimeout: settings.idleTimeout,
      concurrentTasksPerWorker: 1,
      maxQueue: this.#max,
      // Else a thread without work sleeps outside its event loop: connections that it keeps would not see their end.
      atomics: 'disabled',
      recordTiming: false,
      loadBalancer: this.#place,
    })
    this.#piscina.on('error', (error: Error) => {
      this.#onThreadlessError(error)
    })
    this.#piscina.on('workerDestroy', ({ id }: { readonly id: number }) => {
      this.#threads.delete(id)
    })
  }

  /** Whether a call would have to wait. */
  get isFull(): boolean {
    return this.#running.size >= this.#max
  }

  get status(): PoolStatus {
    return { entry: this.entry, threads: this.#piscina.threads.length, running: this.#running.size, waiting: this.#waiting.size }
  }

  /** Runs a call, as soon as there is a thread for it. */
  run(call: PoolCall): void {
    if (this.#closed) throw unavailable(`${this.entry}: its pool has stopped`, { entry: this.entry })
    const { queue } = this.#options.settings
    if (this.isFull && this.#waiting.size >= queue) {
      throw unavailable(`${this.entry}: its ${this.#max} threads are busy, and ${queue} calls wait already`, { entry: this.entry, queue })
    }
    const { deadline } = call.task.frame
    if (deadline !== undefined) {
      call.watch(deadline - Date.now(), () => {
        this.cancel(call, new TroupeError('Timeout', `${this.entry} did not answer by its deadline`))
      })
    }
    if (this.isFull) this.#waiting.add(call)
    else this.#submit(call)
  }

  /**
   * Rejects a call at once. Where it runs, its function is asked to stop; the thread takes no other call until it has, and is ended if it
   * does not within the grace.
   */
  cancel(call: PoolCall, error: TroupeError): void {
    call.reject(error)
    if (this.#waiting.delete(call)) call.unwatch()
    else if (call.place === undefined) call.killSwitch.flip()
    else if (this.#running.has(call)) {
      const { record, thread } = call.place
      thread.post({ type: 'cancel', pid: record.pid, reason: error.message })
      call.watch(this.#options.grace, () => {
        call.killSwitch.flip()
      })
    }
  }

  /** Ends a thread, and with `error` the call that runs in it, if it is one of this pool's. */
  kill(thread: Thread, error: TroupeError): void {
    for (const call of this.#running) {
      if (call.place?.thread !== thread) continue
      call.reject(error)
      call.killSwitch.flip()
    }
  }

  /** Lets the calls that it has been given end, and then ends itself. */
  async leave(): Promise<void> {
    if (this.#running.size > 0 || this.#waiting.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onEmpty = resolve
      await promise
    }
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onEmpty()
    this.#closed = true
    const stopped = new TroupeError('Canceled', `${this.entry}: its pool has stopped`)
    for (const call of [...this.#waiting, ...this.#running]) {
      call.reject(stopped)
      call.unwatch()
    }
    this.#waiting.clear()
    await this.#piscina.destroy()
  }

  #submit(call: PoolCall): void {
    this.#running.add(call)
    this.#piscina.run(call.task, { transferList: call.transferList, signal: call.killSwitch }).then(
      (exit) => {
        this.#ended(call, exit)
      },
      (error: unknown) => {
        this.#ended(call, { error: errorToWire(this.#threadEnded(error)) })
      },
    )
  }

  /** Piscina asks where a task is to go. It is posted right afterwards, so the call is known to the kernel before its code runs. */
  readonly #place: Balancer = (task, workers) => {
    const call = task[queueOptionsSymbol]
    if (!(call instanceof PoolCall)) return null
    const idle = workers.filter((candidate) => candidate.currentUsage === 0)
    const chosen = idle.find(({ id }) => this.#threads.has(id)) ?? idle[0]
    if (chosen === undefined) return null
    const known = this.#threads.get(chosen.id)
    const { kernel } = this.#options
    const { thread, data } = known === undefined ? kernel.threads.adopt() : { thread: known, data: undefined }
    this.#threads.set(chosen.id, thread)
    const { caller, task: posted } = call
    call.begin(kernel.calls.begin({ entry: this.entry, frame: posted.frame, thread, caller }), thread, data)
    return chosen
  }

  #ended(call: PoolCall, exit: WireExit): void {
    call.unwatch()
    this.#running.delete(call)
    if (call.place !== undefined) this.#options.kernel.calls.end(call.place.record, call.place.thread)
    if ('error' in exit) call.reject(errorFromWire(exit.error))
    else call.resolve(exit.value)
    if (this.#running.size === 0 && this.#waiting.size === 0) this.#onEmpty()
    const [next] = this.#waiting
    if (next === undefined || this.#closed || this.isFull) return
    this.#waiting.delete(next)
    this.#submit(next)
  }

  /** What became of a call whose thread ended under it. */
  #threadEnded(error: unknown): TroupeError {
    const failure = error instanceof Error ? error : new Error(String(error))
    const code = /^worker exited with code: (\d+)$/.exec(failure.message)?.[1]
    const { kind, message, details } = threadFailure(Number(code ?? 1), code === undefined ? failure : undefined)
    return new TroupeError(kind, `${this.entry}: ${message}`, { details: { ...details, entry: this.entry }, cause: failure })
  }

  /** A thread failed in which no call ran. If it failed to start, whoever waits for it would wait for ever. */
  #onThreadlessError(cause: Error): void {
    for (const call of this.#running) {
      if (call.place !== undefined) continue
      call.reject(new TroupeError('Unavailable', `${this.entry}: a thread of its pool failed to start: ${cause.message}`, { cause }))
      call.killSwitch.flip()
    }
  }
}
