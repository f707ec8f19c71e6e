/** A worker thread, which the kernel has started. */
import { type EntryId, errorToWire, type TroupeError } from '@troupe/core'
import { ownThread } from '@troupe/network/kernel'
import type { EventLoopUtilization } from 'node:perf_hooks'
import { type ResourceLimits, Worker } from 'node:worker_threads'
import { readNodePort } from './node-port.ts'
import { takePrepared, threadMain } from './prepared-worker.ts'
import { codeFolder } from '../kernel/thread-environment.ts'
import { sealedFlags } from './sealed-flags.ts'
import { makeLoopsStoppable } from './stoppable-loops.ts'
import type { ThreadData } from '../protocol/thread-data.ts'
import { OwnedThread, type Thread, type ThreadListeners } from './thread.ts'
import { threadPort, type ThreadPortOptions } from './thread-port.ts'

/** The `threadId` of a worker that has ended. */
const ended = -1

export interface WorkerThreadOptions extends ThreadListeners, ThreadPortOptions {
  readonly resourceLimits?: ResourceLimits
  /** The thread has ended. Those of its processes that were still alive ended with `error`. */
  readonly onExit: (thread: Thread, error: TroupeError) => void
  /** Creates the error for a thread that ended by itself. */
  readonly failure: (code: number, error: Error | undefined) => TroupeError
  readonly env: NodeJS.ProcessEnv
  /** The host whose processes it runs. */
  readonly owner?: EntryId
}

/** A worker thread. */
export class WorkerThread extends OwnedThread {
  readonly ready: Promise<void>
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #verdict: TroupeError | undefined
  #terminated: Promise<void> | undefined
  #looked: EventLoopUtilization

  constructor(options: WorkerThreadOptions) {
    const { near, data, ledger, addons, receipt, counters } = threadPort(options)
    const { number, sealed, owner } = options
    super(number, near, { sealed, ledger, addons, counters, routeEpoch: data.routeEpoch, ...(owner && { owner }) })
    if (options.network !== undefined) this.assign(options.network)
    const { promise: ready, resolve: setReady, reject: setFailed } = Promise.withResolvers<void>()
    const { promise: drained, resolve: setDrained } = Promise.withResolvers<void>()
    const { promise: exited, resolve: setExited } = Promise.withResolvers<void>()
    this.ready = ready
    this.#exited = exited
    ready.catch(() => undefined)
    this.#worker = workerFor(options, data)
    this.worker = this.#worker
    readNodePort(this.#worker, (why) => {
      options.onBreach(this, why)
    })
    // A worker emits `exit` once, so all listeners are added before anything else happens.
    let failure: Error | undefined
    this.#worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    this.#worker.on('exit', (code) => {
      const error = this.#verdict ?? options.failure(code, failure)
      setFailed(error)
      // What the thread posted before it ended is still in the port: it is read before the end is reported.
      void drained.then(() => {
        options.onExit(this, error)
        setExited()
      })
    })
    this.end = (ending) => void this.terminate(ending)
    this.read(near, receipt, {
      faultIn: options.faultIn,
      onMessage: (thread, message) => {
        if (message.type === 'ready') setReady()
        else options.onMessage(thread, message)
      },
      onBreach: options.onBreach,
    })
    near.once('close', setDrained)
    near.unref()
    this.#worker.unref()
    this.#looked = this.#worker.performance.eventLoopUtilization()
  }

  /** Event loop utilisation since the last call: 0 to 1. */
  utilization(): number {
    const now = this.#worker.performance.eventLoopUtilization()
    const { utilization } = this.#worker.performance.eventLoopUtilization(now, this.#looked)
    this.#looked = now
    return utilization
  }

  async terminate(error: TroupeError): Promise<void> {
    this.#verdict ??= error
    this.#terminated ??= this.#end(error)
    await this.#terminated
    await this.#exited
  }

  async #end(error: TroupeError): Promise<void> {
    await this.nativeEnd.wait(errorToWire(error))
    await this.#worker.terminate()
  }
}

/** Starts a worker with its data, or passes the data to one that was prepared. */
function workerFor(options: WorkerThreadOptions, data: ThreadData): Worker {
  const { env, sealed, isEnvListed = false, resourceLimits } = options
  const isPlain = !sealed && !isEnvListed && resourceLimits === undefined
  const prepared = isPlain ? takePrepared(env) : undefined
  makeLoopsStoppable()
  if (prepared !== undefined) {
    const { worker, loaded } = prepared
    void loaded.then(() => {
      if (worker.threadId === ended) data.port.close()
      else worker.postMessage({ troupe: data }, [data.port])
    })
    return worker
  }
  return new Worker(threadMain, {
    // These threads belong to the kernel, whatever the network of the program around the application is.
    workerData: ownThread({ troupe: data, ...(sealed && codeFolder()) }),
    transferList: [data.port],
    env,
    ...(sealed && { execArgv: [...sealedFlags()] }),
    ...(resourceLimits && { resourceLimits }),
  })
}
