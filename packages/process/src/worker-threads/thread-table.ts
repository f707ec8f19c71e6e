/** The threads of an application, and their introductions to one another. */
import { setFlagsFromString } from 'node:v8'
import { MessageChannel, type MessagePort, type ResourceLimits } from 'node:worker_threads'
import { type EntryId, errorToWire, type Log, notFound, TroupeError, startTimer, stopTimer } from '@troupe/core'
import { creditWord } from '../shared-memory/credit.ts'
import type { ChannelWords, Privileges, ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import type { RuntimeSettings, SharedThread, ThreadData } from '../protocol/thread-data.ts'
import { routeEpoch } from '../shared-memory/route-epoch.ts'
import type { Output } from '../shared-memory/output-ledger.ts'
import { LocalPort, type KernelPort } from '../channel/local-port.ts'
import type { Launch } from '../host/process/launch.ts'
import { ProcessThread } from '../host/process/process-thread.ts'
import { type Print, StandardStreams } from './standard-streams.ts'
import type { Network } from '../kernel/network/networks.ts'
import { Thread, threadPort, WorkerThread } from './thread.ts'
import { environmentOf, threadEnvironment } from '../kernel/thread-environment.ts'
import { threadFailure } from './thread-failure.ts'

// V8 unrolls some endless loops so that nothing can stop them (`docs/discoveries/0003-unkillable-loops.md`).
setFlagsFromString('--no-turboshaft-loop-unrolling')

export interface ThreadTableOptions {
  readonly preload: readonly string[]
  /** `security.strict_mode` */
  readonly strict: boolean
  /** @default the program's standard streams */
  readonly print?: Print | undefined
  /** Returns the privileges of a thread, for its peers. */
  readonly privileges: (thread: number) => Privileges
  readonly log: Log
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** Called when a thread has broken the protocol. */
  readonly onBreach: (thread: Thread, why: string) => void
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
  /** Environment variables of the program that it sees. @default all; none, where it is sealed */
  readonly env?: readonly string[]
}

export class ThreadTable implements Disposable {
  defaultOverlay: EntryId | undefined
  /** `network_service.native`, for threads that are started from now on. */
  native: readonly string[] = []
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
      terminal: this.#streams.terminal,
      native: this.native,
      env: environmentOf(this.env, sealed, env),
      isEnvListed: env !== undefined,
      failure: threadFailure,
      onMessage: this.#options.onMessage,
      onBreach: this.#options.onBreach,
      onExit: (gone, error) => {
        this.remove(gone, error)
      },
    })
    return this.#register(thread)
  }

  /** Starts an operating-system process, and returns its main thread. */
  startProcess(launch: Launch, { preload = [], network }: Pick<StartOptions, 'preload' | 'network'> = {}): ProcessThread {
    const thread = new ProcessThread({
      thread: this.#claim(),
      launch,
      ...(network && { network }),
      preload: [...this.#options.preload, ...preload],
      strict: this.#options.strict,
      writes: launch.writes,
      print: (stream, chunk, done) => {
        this.#streams.printChunk(stream, chunk, done)
      },
      onMessage: this.#options.onMessage,
      onExit: (gone, error) => {
        this.remove(gone, error)
      },
      warn: (message) => {
        this.#options.log(message, { level: 'warn' })
      },
    })
    return this.#register(thread)
  }

  /**
   * Adds a thread of a pool that other code starts. Returns the data from which its runtime is created.
   *
   * @param network - The thread's network, for its whole life.
   * @param onGone - Called when its port has closed: it sends nothing more.
   */
  adopt(network: Network, onGone: () => void): { readonly thread: Thread; readonly data: ThreadData } {
    const number = this.#claim()
    const { near, data, ledger, addons, receipt } = threadPort({
      number,
      network,
      preload: [],
      strict: this.#options.strict,
      terminal: this.#streams.terminal,
      sealed: false,
      native: this.native,
    })
    const thread = this.#takeIn(new Thread(number, near, { ledger, addons, routeEpoch: data.routeEpoch }), near, onGone)
    thread.read(near, receipt, this.#options)
    near.unref()
    thread.assign(network)
    return { thread, data }
  }

  /**
   * Adds the thread in which the kernel itself runs. @param overlay - The overlay of the program around the
   * application.
   */
  adoptOwn(overlay: EntryId | null): { readonly thread: Thread; readonly data: RuntimeSettings } {
    const number = this.#claim()
    const [near, port] = LocalPort.pair()
    const data = { thread: number, port, routeEpoch, network: { overlay }, strict: this.#options.strict }
    const thread = this.#takeIn(new Thread(number, near), near)
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
    if (thread.peers.has(number)) return
    if (thread.severed.has(number)) {
      thread.post({ type: 'gone', thread: number, error: errorToWire(severed(number)) })
      return
    }
    const other = this.#threads.get(number)
    // No code runs in a thread without a network.
    if (other?.network === undefined || other === thread || thread.network === undefined) {
      thread.post({ type: 'gone', thread: number, error: errorToWire(notFound('its thread is not there')) })
      return
    }
    const { port1, port2 } = new MessageChannel()
    thread.peers.add(number)
    other.peers.add(thread.number)
    const { privileges } = this.#options
    const isOwn = thread.network !== undefined && thread.network.key === other.network?.key
    const encoded = thread.isolated || other.isolated
    const network = ({ network: known }: Thread) => ({ overlay: known?.overlay ?? null, isOwn, ...(encoded && { encoded }) })
    const [near, far] = [creditWord(), creditWord()]
    const introduce = (to: Thread, peer: Thread, port: MessagePort, words: ChannelWords) => {
      const known = { privileges: privileges(peer.number), network: network(peer) }
      // Memory cannot be shared with another operating-system process.
      to.post({ type: 'channel', thread: peer.number, port, ...known, ...(!encoded && { words }) }, [port])
    }
    introduce(thread, other, port1, { credit: near, receipt: far })
    introduce(other, thread, port2, { credit: far, receipt: near })
  }

  /** Cuts the channel between two threads, because one of them requested it. The other is notified. */
  sever(thread: Thread, number: number): void {
    if (!thread.peers.delete(number)) return
    thread.severed.add(number)
    thread.correspondents.delete(number)
    const other = this.#threads.get(number)
    other?.peers.delete(thread.number)
    other?.severed.add(thread.number)
    other?.correspondents.delete(thread.number)
    other?.post({ type: 'gone', thread: thread.number, error: errorToWire(severed(thread.number)) })
  }

  /** Notifies the peers of a thread of what it may do now. */
  privilegesChanged(thread: number, privileges: Privileges): void {
    for (const peer of this.#threads.get(thread)?.peers ?? []) this.#threads.get(peer)?.post({ type: 'privileges', thread, privileges })
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

function severed(number: number): TroupeError {
  return new TroupeError('Unavailable', `the channel between thread ${number} and this one was cut: one broke the protocol`, {
    details: { thread: number },
  })
}
