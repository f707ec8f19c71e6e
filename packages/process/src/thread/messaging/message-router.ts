/** Routes messages of a thread: between its own processes, and over channels to other threads. */
import {
  errorFromWire,
  errorToWire,
  type EntryId,
  type Frame,
  type Pid,
  settledWithin,
  threadOf,
  type TroupeError,
  unavailable,
  yielding,
} from '@troupe/core'
import type { SendWindow, Unacknowledged } from '../../channel/send-window.ts'
import type { Channel } from '../../channel/channel.ts'
import type { CreditKind, ReceiveWindow } from '../../mailbox/receive-window.ts'
import type { Envelope } from '../../mailbox/message.ts'
import { pack, type Packed, type Transfer, unpack } from '../../mailbox/payload.ts'
import type { DeadLetter } from '../../protocol/kernel-thread.ts'
import type { Signal } from '../../protocol/signals.ts'
import { deliver, localEnvelope } from './local-delivery.ts'
import { InboundMessages } from './inbound-messages.ts'
import type { LocalProcess } from '../process/local-process.ts'
import type { PendingSend } from '../process/pending-sends.ts'
import type { Outgoing } from './outgoing-message.ts'
import type { Participant } from '../participant.ts'
import { checkCrossing, crossing, mayNotCross } from '../../protocol/network-crossing.ts'
import { PendingReplies } from './pending-replies.ts'
import { sendToSuccessor } from '../successor.ts'
import { checkTopic, missing, over, toItself, unfitReply, wordsOf } from './send-errors.ts'

export interface MessageRouterOptions {
  readonly thread: number
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  readonly onDead: (envelope: DeadLetter) => void
  /** The overlay of this thread. */
  readonly overlay: () => EntryId | null
}

/** Milliseconds without a reply, after which a thread counts as busy. */
const busyAfter = 500

type Of<Op extends Signal['op']> = Extract<Signal, { op: Op }>

export class MessageRouter {
  readonly #options: MessageRouterOptions
  readonly #calls = new PendingReplies()
  readonly #sendWindows = new Map<Pid, SendWindow<Channel>>()
  readonly #inbound: InboundMessages

  constructor(options: MessageRouterOptions) {
    this.#options = options
    this.#inbound = new InboundMessages({
      ...options,
      onLost: (to, { from, topic }, reason) => {
        options.onDead({ from, to, topic, reason })
      },
      refuse: (to, call, error) => {
        this.#refuse(to, call, error)
      },
    })
  }

  /** Settles when the receiver's mailbox has accepted the message. */
  send(by: Participant, message: Outgoing): Promise<void> {
    return yielding(by.ended ? Promise.reject(over(by)) : this.#dispatch(by, message, 0, undefined))
  }

  /** Sends to the process with a name; `find` requests its pid from the kernel. */
  sendByName(by: Participant, name: string, find: () => Promise<Pid>, message: Omit<Outgoing, 'to'>): Promise<void> {
    if (by.ended) return yielding(Promise.reject(over(by)))
    const held = { to: name, topic: message.topic, withdrawn: false }
    const dispatch = async (to: Pid) => (held.withdrawn ? undefined : this.#dispatch(by, { ...message, to }, 0, held))
    return yielding(by.hold(sendToSuccessor(by, find, dispatch), held))
  }

  /** Returns false when there is no room now. */
  trySend(by: Participant, message: Outgoing): boolean {
    checkTopic(message.topic)
    const { to, topic } = message
    const receiver = this.#options.process(to)
    if (receiver !== undefined) {
      if (!receiver.mailbox.hasRoom(topic)) {
        this.#inbound.reclaim(receiver)
        return false
      }
      receiver.mailbox.put(localEnvelope(by, message, pack(message.payload, message.transfer), 0))
      return true
    }
    const sendWindow = this.#sendWindow(to)
    if (sendWindow === undefined) return false
    const { payload, transfer } = pack(message.payload, message.transfer)
    sendWindow.channel.gate?.check(payload, 'payload')
    // Whether such a payload may cross is unknown until the two threads are introduced.
    if (by.ended || (sendWindow.channel.gate === undefined && mayNotCross(payload))) return false
    const claim = sendWindow.tryReserve(by.pid, topic)
    if (claim === 'ask') sendWindow.channel.put({ op: 'giveBack', to, credits: 0 })
    if (claim === undefined || claim === 'ask') return false
    sendWindow.channel.putSend(message, by.pid, claim, payload, 0, transfer)
    return true
  }

  /** Settles when all that was sent to a process has left this thread, or that process's thread is too busy for it. */
  async posted(to: Pid): Promise<void> {
    if (!this.#isHere(to)) await settledWithin(this.#options.channel(threadOf(to)).posted(), busyAfter)
  }

  /**
   * Settles when everything sent to a process before has reached its thread, or that thread is too busy to confirm it.
   */
  async arrival(to: Pid): Promise<void> {
    if (!this.#isHere(to)) await settledWithin(this.#options.channel(threadOf(to)).mark(), busyAfter)
  }

  /**
   * Sends a message and waits for the reply. Rejects as soon as the callee dies; a reply after `timeout` is dropped.
   */
  call(by: Participant, message: Outgoing, timeout: number | undefined): Promise<unknown> {
    if (by.ended) return yielding(Promise.reject(over(by)))
    if (message.to === by.pid && this.#options.process(by.pid) !== undefined) return yielding(Promise.reject(toItself(by)))
    const { number, held, reply } = this.#calls.open(by.pid, message.to, message.topic, timeout)
    this.#dispatch(by, message, number, held).catch((error: unknown) => {
      this.#calls.reject(number, error)
    })
    return yielding(reply)
  }

  /**
   * Sends a reply back to the caller, or the reason why it cannot be carried. In both cases the processes of the caller
   * and of the callee continue.
   */
  answer(to: Pid, call: number, payload: unknown, transfer: Transfer): void {
    const { thread } = this.#options
    try {
      const packed = pack(payload, transfer)
      if (this.#isHere(to)) this.#calls.resolve(call, unpack(packed.payload), thread)
      else {
        const channel = this.#options.channel(threadOf(to))
        channel.gate?.check(packed.payload, 'reply', true)
        channel.put({ op: 'reply', call, payload: packed.payload }, packed.transfer)
      }
    } catch (cause) {
      this.#refuse(to, call, unfitReply(cause))
    }
  }

  /** A message to a process here was dropped: unless it is a call, it becomes a dead letter. */
  overflowed(to: Pid, { from, topic, call }: Envelope): void {
    const reason = 'a selective receive skipped it, and there was no more room for it'
    if (call === 0) this.#options.onDead({ from, to, topic, reason })
    else this.#refuse(from, call, unavailable(`${to} did not take the call "${topic}": ${reason}`, { pid: to, topic }))
  }

  /** Rejects a call from another process. */
  #refuse(to: Pid, call: number, error: TroupeError): void {
    if (this.#isHere(to)) this.#calls.fail(call, error, this.#options.thread)
    else this.#options.channel(threadOf(to)).put({ op: 'badReply', call, error: errorToWire(error) })
  }

  onSend(run: Of<'send'>, channel: Channel, frame: Frame): void {
    this.#inbound.onSend(run, channel, frame)
  }

  onReply(signal: Of<'reply'>, channel: Channel): void {
    this.#calls.resolve(signal.call, unpack(signal.payload), channel.thread)
  }

  onBadReply({ call, error }: Of<'badReply'>, channel: Channel): void {
    this.#calls.fail(call, errorFromWire(error), channel.thread)
  }

  onFlow(signal: Of<'flow'>, channel: Channel): void {
    channel.known(signal.from)?.report(signal)
  }

  onReclaim({ from, keep }: Of<'reclaim'>, channel: Channel): void {
    channel.put({ op: 'giveBack', to: from, credits: channel.known(from)?.giveBack(keep) ?? Number.MAX_SAFE_INTEGER })
  }

  onGiveBack(signal: Of<'giveBack'>, channel: Channel): void {
    this.#inbound.onGiveBack(signal, channel)
  }

  onClosed({ pid, arrived, error }: Of<'closed'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    this.#sendWindows.delete(pid)
    this.#lose(pid, channel.closeSendWindow(pid, arrived), 'it has ended')
    this.#calls.processEnded(pid, error && errorFromWire(error))
  }

  /** A process in another network accepts nothing from this one. */
  onRefused({ pid, call, network }: Of<'refused'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    const error = crossing({ to: pid, from: this.#options.overlay(), receiver: network })
    this.#sendWindows.delete(pid)
    this.#loseFor(pid, channel.refuseSendWindow(pid, error), error.message)
    if (call !== 0) this.#calls.fail(call, error, channel.thread)
  }

  /**
   * Another thread has ended: the messages that its processes had not taken are lost, and callers that wait for replies
   * are notified.
   */
  threadGone(channel: Channel, error: TroupeError): void {
    const reason = error.message
    for (const { pid, lost } of channel.closeAll(reason)) {
      this.#sendWindows.delete(pid)
      this.#lose(pid, lost, reason)
    }
    this.#inbound.threadGone(channel.thread)
    this.#calls.threadGone(channel.thread, error)
  }

  /** A process here ended and left `envelopes` untaken. */
  processEnded(ended: LocalProcess, envelopes: readonly Envelope[]): void {
    const error = ended.exit !== undefined && 'error' in ended.exit ? ended.exit.error : undefined
    this.#lose(
      ended.pid,
      envelopes.filter(({ call }) => call === 0),
      'it has ended',
    )
    this.#inbound.processEnded(ended, (thread, arrived) => {
      this.#options.channel(thread).put({ op: 'closed', pid: ended.pid, arrived, ...(error && { error }) })
    })
    this.#calls.processEnded(ended.pid, error && errorFromWire(error))
  }

  /** Reports to a sending thread that there is room again. */
  reportFlow(receiver: LocalProcess, receiveWindow: ReceiveWindow): void {
    this.#inbound.reportFlow(receiver, receiveWindow)
  }

  readonly #onFull = (receiver: LocalProcess) => {
    this.#inbound.reclaim(receiver)
  }

  /** @param held An existing record that the message is in flight, if there is one. */
  #dispatch(by: Participant, message: Outgoing, call: number, held: PendingSend | undefined): Promise<void> {
    try {
      checkTopic(message.topic)
      const packed = message.packed ?? pack(message.payload, message.transfer)
      const receiver = this.#options.process(message.to)
      return receiver === undefined
        ? this.#ship(by, message, packed, call, held)
        : deliver(by, receiver, message, packed, call, held, this.#onFull)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #ship(by: Participant, message: Outgoing, packed: Packed, call: number, held: PendingSend | undefined): Promise<void> {
    const { to, topic } = message
    const sendWindow = this.#sendWindow(to)
    if (sendWindow === undefined) return Promise.reject(missing(to))
    const { gate } = sendWindow.channel
    if (gate !== undefined) gate.check(packed.payload, 'payload')
    else if (mayNotCross(packed.payload)) {
      // Whether the message may cross is unknown until the two threads are introduced.
      if (!sendWindow.closed) return sendWindow.channel.introduced().then(() => this.#ship(by, message, packed, call, held))
      checkCrossing(packed.payload, 'payload')
    }
    const isCall = call !== 0
    const post = (claim: CreditKind) => {
      sendWindow.channel.putSend(message, by.pid, claim, packed.payload, call, packed.transfer)
    }
    const claim = sendWindow.reserve(by.pid, topic, isCall)
    if (claim !== undefined) {
      post(claim)
      return claim === 'held' ? delivered : this.#accepted(by, message, isCall, sendWindow.accepted())
    }
    const envelope = held ?? { to, topic, withdrawn: false }
    const posted = sendWindow.sendLater({ from: by.pid, topic, isCall, held: envelope, post })
    return (held === undefined ? by.hold(posted, envelope) : posted).then(({ accepted }) =>
      accepted === undefined ? undefined : this.#accepted(by, message, isCall, accepted),
    )
  }

  /** Waits for the receiver's mailbox to accept a message that was sent without reserved room. */
  async #accepted(by: Participant, { to, topic }: Outgoing, isCall: boolean, accepted: Promise<void>): Promise<void> {
    try {
      await accepted
    } catch (error) {
      // The sender has ended, so the error has no recipient.
      if (by.ended && !isCall) this.#options.onDead({ from: by.pid, to, topic, reason: wordsOf(error) })
      throw error
    }
  }

  /** The send window of a process in another thread; `undefined` for a process of this thread. */
  #sendWindow(to: Pid): SendWindow<Channel> | undefined {
    const known = this.#sendWindows.get(to)
    if (known !== undefined && !known.closed) return known
    if (this.#isHere(to)) return undefined
    const sendWindow = this.#options.channel(threadOf(to)).sendWindow(to)
    if (sendWindow.closed) this.#sendWindows.delete(to)
    else this.#sendWindows.set(to, sendWindow)
    return sendWindow
  }

  #lose(to: Pid, envelopes: readonly Unacknowledged[], reason: string): void {
    this.#loseFor(to, envelopes, `the receiver had not taken it when it ended: ${reason}`)
  }

  #loseFor(to: Pid, envelopes: readonly Unacknowledged[], reason: string): void {
    for (const { from, topic } of envelopes) this.#options.onDead({ from, to, topic, reason })
  }

  #isHere(to: Pid): boolean {
    return threadOf(to) === this.#options.thread
  }
}

const delivered = Promise.resolve()
