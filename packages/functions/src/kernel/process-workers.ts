/** The operating-system processes of a pool with `sealed: true`. */
import { TroupeError } from '@troupe/core'
import type { Kernel, Launch, Network, ProcessThread, Program } from '@troupe/process/kernel'
import type { WorkerPlace, WorkerSource } from './worker-place.ts'

/** Runs the calls in each process. */
export const childModule = new URL(
  `../worker/child${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
).href

export interface ProcessWorkersOptions {
  readonly kernel: Pick<Kernel, 'threads' | 'note'>
  readonly program: Program
  /** Number of processes that are always kept. */
  readonly min: number
  readonly launch: Launch
}

export class ProcessWorkers implements WorkerSource {
  readonly #options: ProcessWorkersOptions
  /** Processes that have started, and have neither a network nor calls. */
  readonly #spares = new Set<ProcessThread>()
  readonly #running = new Set<ProcessThread>()
  #isClosed = false

  constructor(options: ProcessWorkersOptions) {
    this.#options = options
    this.#refill()
  }

  get count(): number {
    return this.#spares.size + this.#running.size
  }

  open(network: Network): WorkerPlace {
    const [spare] = this.#spares
    const process = spare ?? this.#start()
    this.#spares.delete(process)
    this.#running.add(process)
    process.bind(network)
    return new ProcessPlace(process, this.#options.program)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const stopped = new TroupeError('Canceled', 'its pool has stopped')
    await Promise.all([...this.#spares, ...this.#running].map(async (process) => process.terminate(stopped)))
  }

  #start(): ProcessThread {
    const { kernel, launch, program } = this.#options
    const process = kernel.threads.startProcess(launch, {
      owner: program.entry,
      service: { module: childModule, data: program },
    })
    void process.ended.then((error) => {
      if (this.#spares.delete(process)) this.#noteFailure(error)
      // One that did not start is not replaced before the next call: the next one would most likely fail too.
      else if (this.#running.delete(process)) this.#refill()
    })
    return process
  }

  #refill(): void {
    while (!this.#isClosed && this.count < this.#options.min) this.#spares.add(this.#start())
  }

  #noteFailure({ message }: TroupeError): void {
    const { kernel, program } = this.#options
    if (this.#isClosed) return
    kernel.note(`a process of the pool of ${program.entry} ended before it had work: ${message}`, {
      level: 'error',
      entry: program.entry,
    })
  }
}

/**
 * A process of a pool. It has no memory in common with the kernel to record which calls it has begun: it is given one
 * call at a time, which counts as begun once the process is ready.
 */
class ProcessPlace implements WorkerPlace {
  readonly thread: ProcessThread
  readonly slots = { post: () => undefined, withdraw: () => false, isWaiting: () => !this.#isReady }
  readonly maxWindow = 1
  readonly taken = true
  readonly #program: Program
  #isReady = false

  constructor(thread: ProcessThread, program: Program) {
    this.thread = thread
    this.#program = program
    const noteReady = () => {
      this.#isReady = true
    }
    // One that does not start rejects its calls.
    thread.ready.then(noteReady, noteReady)
  }

  async occupy(): Promise<TroupeError> {
    const { kind, message, details } = await this.thread.ended
    const { entry } = this.#program
    return new TroupeError(kind, `${entry}: ${message}`, { details: { ...details, entry } })
  }

  end(isIdle: boolean): void {
    const error = new TroupeError('Canceled', 'its process is ended')
    void (isIdle ? this.thread.retire(error) : this.thread.terminate(error))
  }
}
