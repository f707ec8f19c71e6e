/** The other threads with which this one communicates. */
import {
  errorFromWire,
  errorToWire,
  forgetPlace,
  notFound,
  type Pid,
  reachPlace,
  TroupeError,
  unreached,
} from '@troupe/core'
import { Channel } from '../../channel/channel.ts'
import type { ThreadMessage } from '../../protocol/kernel-thread.ts'
import type { InboundGate } from './inbound-gate.ts'
import type { SignalTable } from './signals.ts'

const unknown = 'its node has ended, or was never reached'

export interface PeersOptions {
  /** Number of this thread. */
  readonly own: () => number
  /**
   * Requests a channel to a thread from the kernel, or reports that messages go there. The returned promise settles
   * when the message is posted.
   */
  readonly connect: (thread: number, envelopes?: true) => Promise<void> | undefined
  /** What handles the signals that are accepted. */
  readonly signals: () => SignalTable
  /** Reports to the kernel that a thread broke the protocol and that nothing more is read from it. */
  readonly onBreach: (thread: number, why: string) => void
  /** Asks the kernel whether the thread `via` may perform `action` on a process here. */
  readonly authorize: (via: number, action: string, target: Pid) => void
  /** Asks the kernel for the actor of a process or call in the thread `via`. */
  readonly identify: (via: number, sender: Pid) => void
  /**
   * Called when a thread has ended and everything that it sent was delivered, whether there was a channel to it or not.
   */
  readonly onGone: (thread: number, channel: Channel | undefined, error: TroupeError) => void
}

export class Peers {
  readonly #options: PeersOptions
  readonly #channels = new Map<number, Channel>()
  /** Threads whose end the kernel has reported, while their last signals may still be in flight. */
  readonly #verdicts = new Map<number, TroupeError>()

  constructor(options: PeersOptions) {
    this.#options = options
  }

  /** Returns the channel to a thread; signals put into it wait until the kernel has introduced the two threads. */
  readonly channel = (thread: number): Channel => {
    const known = this.#channels.get(thread)
    if (known !== undefined) return known
    const channel = this.#create(thread)
    if (thread === unreached) queueMicrotask(() => this.gone({ thread, error: errorToWire(notFound(unknown)) }))
    else void this.#options.connect(thread)
    return channel
  }

  /** The kernel introduces this thread to another, once for each pair. */
  introduce({ thread, port, privileges, network, words }: ThreadMessage<'channel'>): void {
    const channel = this.#channels.get(thread) ?? this.#create(thread)
    const { authorize, identify, signals } = this.#options
    channel.gate = signals().gate(channel, {
      privileges,
      network,
      identify: (sender) => {
        identify(thread, sender)
      },
      authorize: (action, target) => {
        authorize(thread, action, target)
      },
    })
    channel.open(port, words, network.encoded)
  }

  /** The kernel introduces this thread to one of another node. For whom its processes act here is known. */
  introduceRemote({ place, port, privileges, network, words, names, acting }: ThreadMessage<'remoteChannel'>): void {
    const thread = reachPlace(place)
    const channel = this.#channels.get(thread) ?? this.#create(thread)
    const gate = this.#options.signals().gate(channel, {
      privileges,
      network,
      identify: (sender) => {
        queueMicrotask(() => {
          gate.onSender(sender, acting)
        })
      },
      authorize: (action, target) => {
        this.#options.authorize(thread, action, target)
      },
    })
    channel.gate = gate
    channel.open(port, words, network.encoded, names)
  }

  /** The kernel reports that a place of another node cannot be reached, or not any more. */
  remoteGone({ place, error }: ThreadMessage<'remoteGone'>): void {
    this.gone({ thread: reachPlace(place), error })
  }

  /** Returns the gate for a thread: it decides what is accepted from there. */
  gate(thread: number): InboundGate | undefined {
    return this.#channels.get(thread)?.gate
  }

  /** The policies have changed. */
  forgetPermissions(): void {
    for (const { gate } of this.#channels.values()) gate?.forget()
  }

  /** The kernel reports that a thread has ended. */
  gone({ thread, error }: Omit<ThreadMessage<'gone'>, 'type'>): void {
    const verdict = errorFromWire(error)
    const channel = this.#channels.get(thread)
    if (channel?.isOpen === true) this.#verdicts.set(thread, verdict)
    else this.#conclude(thread, channel, verdict)
  }

  /** Settles when everything sent has arrived, or never will; returns `undefined` when this is already known. */
  arrival(): Promise<unknown> | undefined {
    const arrivals = [...this.#channels.values()]
      .map((channel) => channel.arrival())
      .filter((arrival) => arrival !== undefined)
    return arrivals.length === 0 ? undefined : Promise.all(arrivals)
  }

  /**
   * Reads everything that other threads sent before now, and then carries out an order of the kernel. The kernel's
   * messages arrive over another port, and an order about a process must not overtake earlier messages of its sender to
   * that process.
   */
  takeBefore(order: () => void): void {
    const held: Promise<void>[] = []
    for (const channel of this.#channels.values()) {
      channel.takeNow()
      const passed = channel.gate?.passed()
      if (passed !== undefined) held.push(passed)
    }
    if (held.length === 0) order()
    else void Promise.all(held).then(order)
  }

  flush(): void {
    for (const channel of this.#channels.values()) channel.flush()
  }

  /** The channels no longer keep the thread running. */
  unref(): void {
    for (const channel of this.#channels.values()) channel.unref()
  }

  /** Closes all channels: everything that waits for another thread fails with an error. */
  close(): void {
    this.flush()
    const stopped = new TroupeError('Unavailable', 'the application has stopped', { retryable: false })
    for (const [thread, channel] of [...this.#channels]) {
      channel.close()
      this.#conclude(thread, channel, stopped)
    }
  }

  #create(thread: number): Channel {
    const channel = new Channel({
      thread,
      own: this.#options.own(),
      onLetters: () => this.#options.connect(thread, true),
      onSignal: this.#options.signals().accept,
      onBreach: (broken, why) => {
        this.#sever(broken, why)
      },
      onClose: (closed) => {
        this.#onClose(closed)
      },
    })
    this.#channels.set(thread, channel)
    return channel
  }

  /** Reads nothing more from a thread: for code in this thread it counts as ended. */
  #sever(channel: Channel, why: string): void {
    const { thread } = channel
    if (this.#channels.get(thread) !== channel) return
    this.#options.onBreach(thread, why)
    channel.close()
    const details = { thread }
    this.#conclude(
      thread,
      channel,
      new TroupeError('Unavailable', `thread ${thread} broke the protocol: ${why}`, { retryable: false, details }),
    )
  }

  /** A channel has delivered its last signal. The kernel reports the end of the other thread, before or after this. */
  #onClose(channel: Channel): void {
    const verdict = this.#verdicts.get(channel.thread)
    if (verdict !== undefined) this.#conclude(channel.thread, channel, verdict)
  }

  #conclude(thread: number, channel: Channel | undefined, error: TroupeError): void {
    this.#channels.delete(thread)
    this.#verdicts.delete(thread)
    this.#options.onGone(thread, channel, error)
    forgetPlace(thread)
  }
}
