/** The threads of an application, and their introductions to one another. */
import type { ResourceLimits } from 'node:worker_threads'
import { type EntryId, errorToWire, type Log, TroupeError, startTimer, stopTimer } from '@troupe/core'
import type { Privileges, ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import type { RuntimeSettings, SharedThread, ThreadData } from '../protocol/thread-data.ts'
import { routeEpoch } from '../shared-memory/route-epoch.ts'
import type { Output } from '../shared-memory/output-ledger.ts'
import { LocalPort, type KernelPort } from '../channel/local-port.ts'
import type { Launch } from '../host/process/launch.ts'
import { type ProcessStart, ProcessThread } from '../host/process/process-thread.ts'
import { type Print, StandardStreams } from './standard-streams.ts'
import type { Network } from '../kernel/network/networks.ts'
import type { RemoteThreads } from '../kernel/remote-threads.ts'
import { connect, sever } from './introductions.ts'
import { MainThread } from './main-thread.ts'
import { Thread } from './thread.ts'
import { threadPort } from './thread-port.ts'
import { WorkerThread } from './worker-thread.ts'
import type { TelemetrySettings } from '../protocol/telemetry-settings.ts'
import { environmentOf, threadEnvironment } from '../kernel/thread-environment.ts'
import { threadFailure } from './thread-failure.ts'
import { makeLoopsStoppable } from './stoppable-loops.ts'

export interface ThreadTableOptions {
  readonly preload: readonly string[]
  /** `security.strict_mode` */
  readonly strict: boolean
  /** `dead_letters.payload` */
  readonly keptBytes: number
  /** @default the program's standard streams */
  readonly print?: Print | undefined
  /** Returns the privileges of a thread, for its peers. */
  readonly privileges: (thread: number) => Privileges
  readonly log: Log
  /** Describes what is wrong with a message of a thread; `undefined` for a valid one. */
  readonly faultIn: (message: unknown) => string | undefined
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** Called when a thread has broken the protocol. */
  readonly onBreach: (thread: Thread, why: string) => void
  /** Reads the counters of a thread that shares no memory with the kernel. */
  readonly lastLook: (thread: Thread) => Promise<void>
  /** Called when a thread has ended. Its remaining processes ended with `error`. */
  readonly onExit: (thread: Thread, error: TroupeError) => void
}

export interface StartOptions {
  readonly resourceLimits?: ResourceLimits
  readonly shared?: SharedThread
  /**
   * Modules to load while the thread waits, in addition to those of all threads. Modules of the application need a
   * network.
   */
  readonly preload?: readonly string[]
  /** @default assigned with its first work */
  readonly network?: Network
  /** Has no network access of its own. @default false */
  readonly sealed?: boolean
  /** The host whose processes it runs. */
  readonly owner?: EntryId
  /** Environment variables of the program that it sees. @default all; none, where it is sealed */
  readonly env?: readonly string[]
}

export class ThreadTable implements Disposable {
  defaultOverlay: EntryId | undefined
  /** `network_service.native`, for threads that are started from now on. */
  native: readonly string[] = []
  /** What threads that are started from now on load before other code of the application. */
  telemetry: TelemetrySettings | undefined
  /** Whether threads that are started from now on count their garbage collections. */
  gc = false
  /** Absent where the application is a node of no cluster. */
  remotes: RemoteThreads | undefined
  readonly #options: ThreadTableOptions
  readonly #threads = new Map<number, Thread>()
  /** The contents of `process.env` in threads. */
  readonly env = threadEnvironment()
  readonly #streams: StandardStreams
  #next = 0

  constructor(options: ThreadTableOptions) {
    this.#options = options
    this.#streams = new StandardStreams(options.print)
  }

  /** Prints what a thread has sent. */
  print(thread: Thread, output: Output): void {
    this.#streams.print(thread, output)
  }

  [Symbol.dispose](): void {
    this.#streams[Symbol.dispose]()
  }

  /** Modules that threads import before there is work for them. */
  get preload(): readonly string[] {
    return this.#options.preload
  }

  get size(): number {
    return this.#threads.size
  }

  /** All threads, with the main thread. */
  all(): readonly Thread[] {
    return [...this.#threads.values()]
  }

  /** The numbers of all threads. */
  numbers(): Iterable<number> {
    return this.#threads.keys()
  }

  get(number: number): Thread | undefined {
    return this.#threads.get(number)
  }

  /** Starts a worker. */
  start({ preload = [], sealed = false, env, ...options }: StartOptions = {}): WorkerThread {
    const number = this.#claim()
    const thread = new WorkerThread({
      ...options,
      number,
      sealed,
      preload: [...this.#options.preload, ...preload],
      strict: this.#options.strict,
      keptBytes: this.#options.keptBytes,
      terminal: this.#streams.terminal,
      native: this.native,
      telemetry: this.telemetry,
      gc: this.gc,
      env: environmentOf(this.env, sealed, env),
      isEnvListed: env !== undefined,
      failure: threadFailure,
      faultIn: this.#options.faultIn,
      onMessage: this.#options.onMessage,
      onBreach: this.#options.onBreach,
      onExit: (gone, error) => {
        this.remove(gone, error)
      },
    })
    return this.#register(thread)
  }

  /** Starts an operating-system process, and returns its main thread. */
  startProcess(launch: Launch, { preload = [], ...work }: ProcessStart = {}): ProcessThread {
    const thread = new ProcessThread({
      thread: this.#claim(),
      launch,
      ...work,
      preload: [...this.#options.preload, ...preload],
      strict: this.#options.strict,
      keptBytes: this.#options.keptBytes,
      gc: this.gc,
      ...launch.data,
      print: (stream, chunk, done) => {
        this.#streams.printChunk(stream, chunk, done)
      },
      faultIn: this.#options.faultIn,
      onMessage: this.#options.onMessage,
      onExit: (gone, error) => {
        this.remove(gone, error)
      },
      onPeerBreach: (number, why) => {
        const peer = this.#threads.get(number)
        if (peer !== undefined) this.#options.onBreach(peer, why)
      },
      lastLook: this.#options.lastLook,
      warn: (message) => {
        this.#options.log(message, { level: 'warn' })
      },
    })
    return this.#register(thread)
  }

  /**
   * Adds a thread that other code starts. Returns the data from which its runtime is created.
   *
   * @param network - The thread's network, for its whole life.
   * @param owner - The entry whose functions it runs.
   * @param onGone - Called when its port has closed: it sends nothing more.
   */
  adopt(network: Network, owner: EntryId, onGone: () => void): { readonly thread: Thread; readonly data: ThreadData } {
    makeLoopsStoppable()
    const number = this.#claim()
    const { near, data, ledger, addons, receipt, counters } = threadPort({
      number,
      network,
      preload: [],
      strict: this.#options.strict,
      keptBytes: this.#options.keptBytes,
      terminal: this.#streams.terminal,
      sealed: false,
      native: this.native,
      telemetry: this.telemetry,
      gc: this.gc,
    })
    const parts = { ledger, addons, counters, routeEpoch: data.routeEpoch, owner }
    const thread = this.#takeIn(new Thread(number, near, parts), near, onGone)
    thread.read(near, receipt, this.#options)
    near.unref()
    thread.assign(network)
    return { thread, data }
  }

  /**
   * Adds the thread in which the kernel itself runs.
   *
   * @param overlay - The overlay of the program around the application.
   * @param application - The number of the application in this program.
   */
  adoptOwn(overlay: EntryId | null, application: number): { readonly thread: Thread; readonly data: RuntimeSettings } {
    const number = this.#claim()
    const [near, port] = LocalPort.pair()
    const { strict, keptBytes } = this.#options
    const data = { thread: number, application, port, routeEpoch, network: { overlay }, strict, keptBytes }
    const thread = this.#takeIn(new MainThread(number, near), near)
    near.on('message', (message: ToKernel) => {
      this.#options.onMessage(thread, message)
    })
    return { thread, data }
  }

  #takeIn(thread: Thread, port: KernelPort<ToKernel>, onGone: () => void = () => undefined): Thread {
    port.once('close', () => {
      this.remove(thread, new TroupeError('Unavailable', 'its thread has ended'))
      onGone()
    })
    port.unref()
    return this.#register(thread)
  }

  #register<T extends Thread>(thread: T): T {
    this.#threads.set(thread.number, thread)
    if (thread.ledger !== undefined) this.#streams.open(thread.ledger)
    return thread
  }

  /**
   * Connects two threads with a channel, once. If the other does not exist, the first is notified that it has ended.
   */
  connect(thread: Thread, number: number): void {
    connect(thread, number, this.#threads.get(number), this.#options.privileges)
  }

  /** Cuts the channel between two threads, because one of them requested it. The other is notified. */
  sever(thread: Thread, number: number): void {
    sever(thread, number, this.#threads.get(number))
  }

  /** Notifies the peers of a thread of what it may do now. */
  privilegesChanged(thread: number, privileges: Privileges): void {
    for (const peer of this.#threads.get(thread)?.peers ?? [])
      this.#threads.get(peer)?.post({ type: 'privileges', thread, privileges })
  }

  /** Removes a thread and notifies its peers. */
  remove(thread: Thread, error: TroupeError): void {
    if (!this.#threads.delete(thread.number)) return
    thread.gone = true
    if (thread.ledger !== undefined) this.#streams.close(thread.ledger)
    thread.dry()
    thread.nativeEnd.over()
    const port = errorToWire(error)
    for (const number of thread.peers) {
      const peer = this.#threads.get(number)
      peer?.peers.delete(thread.number)
      peer?.correspondents.delete(thread.number)
      peer?.post({ type: 'gone', thread: thread.number, error: port })
    }
    thread.close()
    this.#options.onExit(thread, error)
  }

  /**
   * Ends a thread once nothing keeps its event loop running, at the latest after `patience` milliseconds. Returns
   * whether work was cut.
   */
  async drain(thread: Thread, patience: number): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const timer = startTimer(() => {
      resolve(true)
    }, patience).unref()
    const isCut = await Promise.race([thread.drained().then(() => false), late])
    stopTimer(timer)
    return isCut
  }

  broadcast(message: ToThread): void {
    for (const thread of this.#threads.values()) thread.post(message)
  }

  #claim(): number {
    const number = this.#next
    this.#next += 1
    return number
  }
}
