/** The other threads that this one speaks with. */
import { errorFromWire, type Frame, type Pid, TroupeError } from '@troupe/core'
import { Channel } from '../../channel/channel.ts'
import type { Signal, ToThread } from '../../protocol/kernel-thread.ts'
import { release } from '../../protocol/foreign-handles.ts'
import { InboundGate } from './inbound-gate.ts'

export interface PeersOptions {
  /** This thread. */
  readonly own: () => number
  /** Asks the kernel for a channel to a thread, or tells it that messages go there. What this returns settles when that is on its way. */
  readonly connect: (thread: number, envelopes?: true) => Promise<void> | undefined
  readonly onSignal: (signal: Signal, channel: Channel, frame: Frame) => void
  /** Tells the kernel that a thread has broken the protocol, and is heard no more. */
  readonly onBreach: (thread: number, why: string) => void
  /** Asks the kernel whether the thread `via` may do `action` to a process here. */
  readonly authorize: (via: number, action: string, target: Pid) => void
  /** Asks the kernel for whom a process or call in the thread `via` acts. */
  readonly identify: (via: number, sender: Pid) => void
  /** A thread is gone, and all that it sent was delivered. There was a channel to it, or not. */
  readonly onGone: (thread: number, channel: Channel | undefined, error: TroupeError) => void
}

export class Peers {
  readonly #options: PeersOptions
  readonly #channels = new Map<number, Channel>()
  /** Threads whose end the kernel has told, while their last signals may still be under way. */
  readonly #verdicts = new Map<number, TroupeError>()

  constructor(options: PeersOptions) {
    this.#options = options
  }

  /** The channel to a thread; what is put into it waits until the kernel has introduced the two. */
  channel(thread: number): Channel {
    const known = this.#channels.get(thread)
    if (known !== undefined) return known
    const channel = this.#create(thread)
    void this.#options.connect(thread)
    return channel
  }

  /** The kernel introduces this thread to another; it does so once for each pair. */
  introduce({ thread, port, privileges, network, words }: Extract<ToThread, { type: 'channel' }>): void {
    const channel = this.#channels.get(thread) ?? this.#create(thread)
    const { onSignal, authorize, identify } = this.#options
    channel.gate = new InboundGate({
      privileges,
      network,
      pass: (signal, frame) => {
        onSignal(signal, channel, frame)
      },
      identify: (sender) => {
        identify(thread, sender)
      },
      refuse: (signal) => {
        release(signal)
        // To the sender, the process is not there: its own side reports what was lost.
        if (signal.op === 'send') channel.put({ op: 'closed', pid: signal.to, arrived: 0 })
      },
      authorize: (action, target) => {
        authorize(thread, action, target)
      },
    })
    channel.open(port, words, network.encoded)
  }

  /** What is taken from a thread. */
  gate(thread: number): InboundGate | undefined {
    return this.#channels.get(thread)?.gate
  }

  /** The policies have changed. */
  forgetPermissions(): void {
    for (const { gate } of this.#channels.values()) gate?.forget()
  }

  /** The kernel's word that a thread is gone. */
  gone({ thread, error }: Extract<ToThread, { type: 'gone' }>): void {
    const verdict = errorFromWire(error)
    const channel = this.#channels.get(thread)
    if (channel?.isOpen === true) this.#verdicts.set(thread, verdict)
    else this.#conclude(thread, channel, verdict)
  }

  /** Settles when all that was sent has come to where it goes, or never will; returns nothing when that is known already. */
  arrival(): Promise<unknown> | undefined {
    const arrivals = [...this.#channels.values()].map((channel) => channel.arrival()).filter((arrival) => arrival !== undefined)
    return arrivals.length === 0 ? undefined : Promise.all(arrivals)
  }

  /**
   * Takes all that other threads sent before now, and then carries out an order of the kernel. The kernel's messages come by another port: an
   * order about a process must not overtake what its sender told that process before.
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

  /** Keeps the thread running no longer. */
  unref(): void {
    for (const channel of this.#channels.values()) channel.unref()
  }

  /** Ends all channels: whoever waits for anything from another thread is told. */
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
      onSignal: (signal, from, frame) => {
        from.gate?.accept(signal, frame)
      },
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

  /** Hears nothing more from a thread: to what is here it is as if it were gone. */
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

  /** A channel has delivered all that it ever will. What became of the other thread, the kernel says, before or after. */
  #onClose(channel: Channel): void {
    const verdict = this.#verdicts.get(channel.thread)
    if (verdict !== undefined) this.#conclude(channel.thread, channel, verdict)
  }

  #conclude(thread: number, channel: Channel | undefined, error: TroupeError): void {
    this.#channels.delete(thread)
    this.#verdicts.delete(thread)
    this.#options.onGone(thread, channel, error)
  }
}
