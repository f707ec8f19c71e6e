/** The kernel's record of a thread: a worker, or the main thread itself as number 0. */
import { type EntryId, errorToWire, type Pid, TroupeError } from '@troupe/core'
import type { EventLoopUtilization } from 'node:perf_hooks'
import { MessageChannel, type MessagePort, type ResourceLimits, type Transferable, Worker } from 'node:worker_threads'
import type { SharedThread, ThreadData } from '../protocol/thread-data.ts'
import type { ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import { OutputLedger, type TerminalFacts } from '../shared-memory/output-ledger.ts'
import { closeRouteEpoch, openRouteEpoch } from '../shared-memory/route-epoch.ts'
import type { ThreadNetwork } from '@troupe/network'
import { ownThread } from '@troupe/network/kernel'
import { sealedFlags } from './sealed-flags.ts'
import { kernelWindow, Receipt } from '../shared-memory/credit.ts'
import { PortReader } from '../channel/port-reader.ts'
import { faultIn } from '../protocol/request-rules.ts'
import { hand, type KernelPort } from '../channel/local-port.ts'
import { NativeEnd } from './native-end.ts'
import { readNodePort } from './node-port.ts'
import type { Network } from '../kernel/network/networks.ts'

export interface ThreadOptions {
  readonly number: number
  /** @default assigned with its first work */
  readonly network?: Network
  readonly preload: readonly string[]
  readonly resourceLimits?: ResourceLimits
  readonly shared?: SharedThread
  readonly strict: boolean
  readonly terminal: TerminalFacts
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** The thread broke the protocol and must be ended. */
  readonly onBreach: (thread: Thread, why: string) => void
  /** The thread has ended. Those of its processes that were still alive ended with `error`. */
  readonly onExit: (thread: Thread, error: TroupeError) => void
  /** Creates the error for a thread that ended by itself. */
  readonly failure: (code: number, error: Error | undefined) => TroupeError
  readonly env: NodeJS.ProcessEnv
  /** Whether its environment contains only a part of the program's. @default false */
  readonly isEnvListed?: boolean
  /** Whether it has no network access of its own. */
  readonly sealed: boolean
  /** `network_service.native` */
  readonly native: readonly string[]
}

interface ThreadParts {
  /** @default false */
  readonly sealed?: boolean
  /** @default false */
  readonly isolated?: boolean
  readonly ledger?: OutputLedger
  /** Set by the thread when it loads an addon; absent for the main thread, which is never ended. */
  readonly addons?: SharedArrayBuffer
  /** See `route-epoch.ts`. */
  readonly routeEpoch?: SharedArrayBuffer
}

/** The state that the kernel keeps for every kind of thread. */
export class Thread {
  readonly number: number
  /**
   * Whether it has no network access of its own, nor anything that leads to a network: the kernel opens its
   * connections.
   */
  readonly sealed: boolean
  /** Whether it is the main thread of an operating-system process. */
  readonly isolated: boolean
  /** Processes in it. */
  readonly pids = new Set<Pid>()
  /** Entries whose programs the kernel has sent to it. */
  readonly programs = new Set<EntryId>()
  /** Threads to which it was introduced. */
  readonly peers = new Set<number>()
  /** Threads to which it sends messages, as it reports. They may learn the actors of the code in it. */
  readonly correspondents = new Set<number>()
  /** Threads to which it was introduced, and from which it reads nothing more. */
  readonly severed = new Set<number>()
  /** It has ended, and all its messages were processed. */
  gone = false
  /** Reports to the thread about its output; `undefined` for the main thread, which prints by itself. */
  readonly ledger: OutputLedger | undefined
  readonly nativeEnd: NativeEnd
  #network: Network | undefined
  #drained: PromiseWithResolvers<void> | undefined
  #unanswered = 0
  readonly #port: KernelPort<ToKernel>
  readonly #routeEpoch: SharedArrayBuffer | undefined
  #reader: PortReader | undefined

  constructor(
    number: number,
    port: KernelPort<ToKernel>,
    { sealed = false, isolated = false, ledger, addons, routeEpoch }: ThreadParts = {},
  ) {
    this.number = number
    this.sealed = sealed
    this.isolated = isolated
    this.ledger = ledger
    this.nativeEnd = new NativeEnd(addons, (message) => {
      this.post(message)
    })
    this.#port = port
    this.#routeEpoch = routeEpoch
    // The services keep the kernel alive, not its ports.
    port.unref()
  }

  /** The network of all code in the thread; `undefined` before its first work. */
  get network(): Network | undefined {
    this.#network ??= this.findNetwork?.()
    return this.#network
  }

  /** Finds the network of a thread that has one from its start, once that network is known. */
  findNetwork: (() => Network | undefined) | undefined

  /** Assigns its network, for its whole life. @throws TroupeError `Internal` when it has another. */
  bind(network: Network): void {
    if (this.#network?.key === network.key) return
    this.assign(network)
    this.post({ type: 'bind', network: toThread(network) })
  }

  /** Records the network with which the thread was started. */
  assign(network: Network): void {
    if (this.#network !== undefined && this.#network.key !== network.key) {
      throw new TroupeError('Internal', `thread ${this.number} already has a network, which cannot change`, {
        details: { thread: this.number },
      })
    }
    this.#network = network
  }

  /** Processes what the thread has already posted, before its turn in the event loop. */
  takeNow(): void {
    this.#reader?.takeNow()
  }

  /** Asks the thread to drain. Settles when nothing keeps its event loop running, or when it has ended. */
  drained(): Promise<void> {
    if (this.gone) return Promise.resolve()
    if (this.#drained === undefined) {
      this.#drained = Promise.withResolvers<void>()
      this.post({ type: 'drain' })
    }
    return this.#drained.promise
  }

  /**
   * Pings the event loop of the thread, unless a ping is pending already. Returns the number of calls since the thread
   * last replied.
   */
  ping(): number {
    if (this.#unanswered === 0) this.post({ type: 'ping' })
    this.#unanswered += 1
    return this.#unanswered
  }

  /** Its event loop has completed a turn. */
  turned(): void {
    this.#unanswered = 0
  }

  /** It has reported that it is drained, or has ended. */
  dry(): void {
    this.#drained?.resolve()
  }

  /**
   * Ends the thread, whatever it is doing, and everything in it with `error`. Set by the code that started it; the
   * kernel's own thread is never ended.
   */
  end: (error: TroupeError) => void = () => undefined

  /** Starts to read what the thread posts. An invalid message ends the thread. */
  read(port: MessagePort, receipt: Receipt, { onMessage, onBreach }: Pick<ThreadOptions, 'onMessage' | 'onBreach'>): void {
    const reader = new PortReader(port, {
      receipt,
      window: kernelWindow,
      check: faultIn,
      take: (message: ToKernel) => {
        onMessage(this, message)
      },
      onBreach: (why) => {
        onBreach(this, why)
        // Later messages of the thread are dropped.
        port.close()
      },
    })
    this.#reader = reader
    reader.open()
    port.once('close', () => {
      reader.close()
    })
  }

  post(message: ToThread, transfer: readonly Transferable[] = []): void {
    if (transfer.length === 0) this.#port.postMessage(message)
    else this.#port.postMessage(message, [...transfer])
  }

  /** Posts a message that the kernel does not use again. */
  hand(message: ToThread): void {
    hand(this.#port, message)
  }

  /** Posts a message with native handles, which the types do not know as transferable. */
  transfer(message: ToThread, handles: readonly object[]): void {
    const post: unknown = Reflect.get(this.#port, 'postMessage')
    if (typeof post === 'function') Reflect.apply(post, this.#port, [message, [...handles]])
  }

  close(): void {
    if (this.#routeEpoch !== undefined) closeRouteEpoch(this.#routeEpoch)
    this.#port.close()
  }
}

/** The two ends of a runtime's connection: the kernel's end, and the thread's. */
export function threadPort(
  options: Pick<ThreadOptions, 'number' | 'network' | 'preload' | 'shared' | 'strict' | 'terminal' | 'sealed' | 'native' | 'isEnvListed'>,
): {
  readonly near: MessagePort
  readonly ledger: OutputLedger
  readonly addons: SharedArrayBuffer
  readonly receipt: Receipt
  readonly data: ThreadData
} {
  const { port1, port2 } = new MessageChannel()
  const { number, network, preload, shared, strict, terminal, sealed, native } = options
  const ledger = new OutputLedger()
  const addons = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const receipt = new Receipt()
  return {
    near: port1,
    ledger,
    addons,
    receipt,
    data: {
      thread: number,
      port: port2,
      credit: receipt.word,
      routeEpoch: openRouteEpoch(),
      preload,
      strict,
      streams: { terminal, ledger: ledger.buffer },
      sealed,
      addons,
      native,
      ...(options.isEnvListed === true && { isEnvListed: true }),
      ...(shared && { shared }),
      ...(network && { network: toThread(network) }),
    },
  }
}

/** The data that a thread gets about its network. */
export function toThread({ overlay, isolation, epoch }: Network): ThreadNetwork {
  return { overlay, ...(isolation && { isolation }), ...(epoch !== undefined && { epoch }) }
}

/** Source files run as they are; built files are JavaScript. */
const main = new URL(`../thread/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** A thread that the kernel has started, and ends. */
export abstract class OwnedThread extends Thread {
  /** Settles when it can run processes; rejects when it ended before. */
  abstract readonly ready: Promise<void>
  /**
   * Ends the thread, whatever it is doing, and waits until it has ended. Those of its processes that are still alive
   * end with `error`.
   */
  abstract terminate(error: TroupeError): Promise<void>
}

/** A worker thread. */
export class WorkerThread extends OwnedThread {
  readonly ready: Promise<void>
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #verdict: TroupeError | undefined
  #terminated: Promise<void> | undefined
  #looked: EventLoopUtilization

  constructor(options: ThreadOptions) {
    const { near, data, ledger, addons, receipt } = threadPort(options)
    super(options.number, near, { sealed: options.sealed, ledger, addons, routeEpoch: data.routeEpoch })
    if (options.network !== undefined) this.assign(options.network)
    const { promise: ready, resolve: setReady, reject: setFailed } = Promise.withResolvers<void>()
    const { promise: drained, resolve: setDrained } = Promise.withResolvers<void>()
    const { promise: exited, resolve: setExited } = Promise.withResolvers<void>()
    this.ready = ready
    this.#exited = exited
    ready.catch(() => undefined)
    this.#worker = new Worker(main, {
      // These threads belong to the kernel, whatever the network of the program around the application is.
      workerData: ownThread({ troupe: data }),
      transferList: [data.port],
      env: options.env,
      ...(options.sealed && { execArgv: [...sealedFlags()] }),
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
    })
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
