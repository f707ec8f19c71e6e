/** The kernel's record of a thread: a worker, or the main thread itself as number 0. */
import { type EntryId, noCounts, type Pid, TroupeError } from '@troupe/core'
import type { MessagePort, Transferable, Worker } from 'node:worker_threads'
import type { ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import type { OutputLedger } from '../shared-memory/output-ledger.ts'
import { closeRouteEpoch } from '../shared-memory/route-epoch.ts'
import type { ThreadNetwork } from '@troupe/network'
import { kernelWindow, type Receipt, RequestBudget } from '../shared-memory/credit.ts'
import { PortReader } from '../channel/port-reader.ts'
import { weighed } from '../protocol/foreign-handles.ts'
import { hand, type KernelPort } from '../channel/local-port.ts'
import { NativeEnd } from './native-end.ts'
import type { Network } from '../kernel/network/networks.ts'
import { type Resources, resourcesOf } from './resources.ts'

/** What the kernel does with the messages of a thread. */
export interface ThreadListeners {
  /** Describes what is wrong with a message of the thread; `undefined` for a valid one. */
  readonly faultIn: (message: unknown) => string | undefined
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** The thread broke the protocol and must be ended. */
  readonly onBreach: (thread: Thread, why: string) => void
}

/** What a thread did whose requests exceed its budget. */
export const unwaited = 'it made more requests than the kernel replied to, and did not wait'

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
  /** Memory in which the thread counts; absent where it shares none. */
  readonly counters?: SharedArrayBuffer
  /** The host or function entry whose code it runs. */
  readonly owner?: EntryId
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
  /** Entries whose programs or functions the kernel has sent to it. */
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
  /** Milliseconds that it took to reply to the last inspection. */
  delay: number | undefined
  /** The worker that runs it, through which Node looks into it from outside; `undefined` where there is none. */
  worker: Worker | undefined
  /** The host or function entry whose code it runs; `undefined` for the main thread. */
  readonly owner: EntryId | undefined
  #network: Network | undefined
  #drained: PromiseWithResolvers<void> | undefined
  #unanswered = 0
  readonly #port: KernelPort<ToKernel>
  readonly #routeEpoch: SharedArrayBuffer | undefined
  readonly #requests = new RequestBudget()
  readonly #counters: Float64Array
  #reader: PortReader | undefined

  constructor(number: number, port: KernelPort<ToKernel>, parts: ThreadParts = {}) {
    const { sealed = false, isolated = false, ledger, addons, routeEpoch, counters, owner } = parts
    this.number = number
    this.owner = owner
    this.#counters = counters === undefined ? noCounts() : new Float64Array(counters)
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

  /** What happened in it, as it counts; of an operating-system process, as it reported last. */
  get counters(): Float64Array {
    return this.#counters
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

  /** Counts a request until its reply; returns false where the thread had to wait before it. */
  accepts(number: number, weight: number): boolean {
    return this.#requests.take(number, weight)
  }

  /** Starts to read what the thread posts. An invalid message ends the thread. */
  read(port: MessagePort, receipt: Receipt, { faultIn, onMessage, onBreach }: ThreadListeners): void {
    const reader = new PortReader(port, {
      receipt,
      window: kernelWindow,
      check: faultIn,
      take: (message: ToKernel) => {
        if (message.type === 'request' && !this.accepts(message.number, weighed())) reader.breach(unwaited)
        else onMessage(this, message)
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
    this.#replied(message)
    if (transfer.length === 0) this.#port.postMessage(message)
    else this.#port.postMessage(message, [...transfer])
  }

  /** Posts a message that the kernel does not use again. */
  hand(message: ToThread): void {
    this.#replied(message)
    hand(this.#port, message)
  }

  /** Posts a message with native handles, which the types do not know as transferable. */
  transfer(message: ToThread, handles: readonly object[]): void {
    this.#replied(message)
    const post: unknown = Reflect.get(this.#port, 'postMessage')
    if (typeof post === 'function') Reflect.apply(post, this.#port, [message, [...handles]])
  }

  #replied(message: ToThread): void {
    if (message.type === 'answer' || message.type === 'refusal') this.#requests.give(message.number)
  }

  /** What it uses; `undefined` where that cannot be read from outside. */
  async resources(): Promise<Resources | undefined> {
    return this.worker && resourcesOf(this.worker)
  }

  close(): void {
    if (this.#routeEpoch !== undefined) closeRouteEpoch(this.#routeEpoch)
    this.#port.close()
  }
}

/** A thread that the kernel has started, and ends. */
export abstract class OwnedThread extends Thread {
  /** Settles when it can run processes; rejects when it ended before. */
  abstract readonly ready: Promise<void>
  /**
   * Ends the thread, whatever it is doing, and waits until it has ended. Those of its processes that are still alive
   * end with `error`.
   */
  abstract terminate(error: TroupeError): Promise<void>

  /** Ends the thread when its work is over: a process is asked first what it counted. */
  async retire(error: TroupeError): Promise<void> {
    await this.terminate(error)
  }
}

/** The data that a thread gets about its network. */
export function toThread({ overlay, isolation, epoch }: Network): ThreadNetwork {
  return { overlay, ...(isolation && { isolation }), ...(epoch !== undefined && { epoch }) }
}
