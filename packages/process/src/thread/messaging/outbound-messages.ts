/**
 * The sending side of messages to other threads: reserves room in the receiver's mailbox, puts messages on channels,
 * and reports those that are lost.
 */
import { type Frame, type Pid, reach, settledWithin, threadOf, type TroupeError } from '@troupe/core'
import { isNodeDown } from '../../channel/node-down.ts'
import type { Channel } from '../../channel/channel.ts'
import type { SendWindow, Unacknowledged } from '../../channel/send-window.ts'
import type { CreditKind } from '../../mailbox/reservations.ts'
import { pack, type Packed, type Transfer } from '../../mailbox/payload.ts'
import type { DeadEnvelope } from '../../mailbox/dead-letter-batch.ts'
import { checkCrossing, mayNotCross } from '../../protocol/network-crossing.ts'
import type { SignalOf } from '../../protocol/signals.ts'
import type { OnOverrun } from '../end-overrun.ts'
import { mostWaiting, overrun } from '../overrun.ts'
import type { Participant } from '../participant.ts'
import type { PendingSend } from '../process/pending-sends.ts'
import { missing, wordsOf } from './send-errors.ts'

/** A message to send. */
export interface Outgoing {
  readonly to: Pid
  readonly topic: string
  readonly payload: unknown
  readonly frame: Frame
  readonly transfer: Transfer
  /** The payload, if it was packed before the pid was known. */
  readonly packed?: Packed | undefined
}

export interface OutboundMessagesOptions {
  readonly thread: number
  readonly channel: (thread: number) => Channel
  readonly onDead: (envelope: DeadEnvelope) => void
  /** Called when a participant sends more than is read, and does not wait. */
  readonly onOverrun: OnOverrun
}

/** Bytes from which a message that waits is counted. */
const large = 1024

/** Milliseconds without a reply, after which a thread counts as busy. */
const busyAfter = 500
const delivered = Promise.resolve()

export class OutboundMessages {
  readonly #options: OutboundMessagesOptions
  readonly #sendWindows = new Map<Pid, SendWindow<Channel>>()
  /**
   * Number of messages, by channel, of which it is unknown whether they may cross. That is known once the kernel has
   * introduced the two threads: they wait for it, and later messages wait behind them.
   */
  readonly #undecided = new WeakMap<Channel, number>()
  /** Their sum: mostly there are none. */
  #undecidedCount = 0
  /** Bytes of large messages that wait for room in a mailbox. */
  #waiting = 0

  constructor(options: OutboundMessagesOptions) {
    this.#options = options
  }

  /** @param held An existing record that the message is in flight, if there is one. */
  send(
    by: Participant,
    message: Outgoing,
    packed: Packed,
    call: number,
    held: PendingSend | undefined,
    isDecided = false,
  ): Promise<void> {
    const { to, topic } = message
    const sendWindow = this.#sendWindow(to)
    if (sendWindow === undefined) return Promise.reject(missing(to))
    if (!isDecided && this.#isUndecided(sendWindow.channel, packed.payload)) {
      const send = async (envelope: PendingSend) => this.send(by, message, packed, call, envelope, true)
      if (!sendWindow.closed) return this.#whenIntroduced(by, message, sendWindow.channel, held, send)
      checkCrossing(packed.payload, 'payload')
    }
    sendWindow.channel.gate?.check(packed.payload, 'payload')
    const refused = this.#refuse(by.pid, packed.weight, sendWindow.channel, to)
    if (refused !== undefined) return refused
    const isCall = call !== 0
    const post = (claim: CreditKind) => {
      if (held !== undefined) held.isPosted = true
      sendWindow.channel.putSend(message, by.pid, claim, packed.payload, call, packed)
    }
    const claim = sendWindow.reserve(by.pid, topic, isCall)
    if (claim !== undefined) {
      post(claim)
      if (claim !== 'held') return this.#whenAccepted(by, message, isCall, sendWindow.accepted())
      return sendWindow.channel.isBehind ? sendWindow.channel.posted() : delivered
    }
    const envelope = held ?? { to, topic, withdrawn: false, message: { payload: packed.payload, frame: message.frame } }
    const posted = sendWindow.sendLater({ from: by.pid, topic, isCall, held: envelope, post })
    this.#countUntil(posted, packed.weight)
    return (held === undefined ? by.hold(posted, envelope) : posted).then(({ accepted }) =>
      accepted === undefined ? undefined : this.#whenAccepted(by, message, isCall, accepted),
    )
  }

  #isUndecided(channel: Channel, payload: unknown): boolean {
    if (channel.gate === undefined && mayNotCross(payload)) return true
    return this.#undecidedCount > 0 && this.#undecided.has(channel)
  }

  /**
   * Sends a message when the two threads are introduced. The end of its sender waits for it.
   *
   * @param held - An existing record that the message is in flight, if there is one.
   */
  #whenIntroduced(
    by: Participant,
    { to, topic }: Outgoing,
    channel: Channel,
    held: PendingSend | undefined,
    send: (envelope: PendingSend) => Promise<void>,
  ): Promise<void> {
    const envelope = held ?? { to, topic, withdrawn: false }
    this.#undecidedCount += 1
    this.#undecided.set(channel, (this.#undecided.get(channel) ?? 0) + 1)
    const sent = channel.introduced().then(() => {
      this.#undecidedCount -= 1
      const left = (this.#undecided.get(channel) ?? 1) - 1
      if (left === 0) this.#undecided.delete(channel)
      else this.#undecided.set(channel, left)
      return envelope.withdrawn ? undefined : send(envelope)
    })
    return held === undefined ? by.hold(sent, envelope) : sent
  }

  /** Waits for the receiver's mailbox to accept a message that was sent without reserved room. */
  async #whenAccepted(
    by: Participant,
    { to, topic }: Outgoing,
    isCall: boolean,
    accepted: Promise<void>,
  ): Promise<void> {
    try {
      await accepted
    } catch (error) {
      // The sender has ended, so the error has no recipient.
      if (by.ended && !isCall) this.#options.onDead({ from: by.pid, to, topic, reason: wordsOf(error) })
      throw error
    }
  }

  /** Refuses a message, and ends its sender, where too many bytes wait already because their receivers take none. */
  #refuse(by: Pid, weight: number, { backlog }: Channel, receiver: string): Promise<never> | undefined {
    const waiting = this.#waiting + backlog
    if (weight < large || waiting === 0 || waiting + weight <= mostWaiting) return undefined
    const error = overrun(waiting, receiver)
    this.#options.onOverrun(by, error)
    return Promise.reject(error)
  }

  /** Counts the bytes of a large message until it is posted. */
  #countUntil(posted: Promise<unknown>, weight: number): void {
    if (weight < large) return
    this.#waiting += weight
    const over = () => {
      this.#waiting -= weight
    }
    posted.then(over, over)
  }

  /** Returns false when there is no room now. */
  trySend(by: Participant, message: Outgoing): boolean {
    const { to, topic } = message
    const sendWindow = this.#sendWindow(to)
    if (sendWindow === undefined) return false
    const packed = pack(message.payload, message.transfer)
    const { payload } = packed
    sendWindow.channel.gate?.check(payload, 'payload')
    if (by.ended || this.#isUndecided(sendWindow.channel, payload)) return false
    const claim = sendWindow.tryReserve(by.pid, topic)
    if (claim === 'ask') sendWindow.channel.put({ op: 'giveBack', to, credits: 0 })
    if (claim === undefined || claim === 'ask') return false
    sendWindow.channel.putSend(message, by.pid, claim, payload, 0, packed)
    return true
  }

  /** Settles when all that was sent to a process has left this thread, or that process's thread is too busy for it. */
  async posted(to: Pid): Promise<void> {
    if (!this.#isHere(to)) await settledWithin(this.#options.channel(reach(to)).posted(), busyAfter)
  }

  /**
   * Settles when everything sent to a process before has reached its thread, or that thread is too busy to confirm it.
   */
  async arrival(to: Pid): Promise<void> {
    if (!this.#isHere(to)) await settledWithin(this.#options.channel(reach(to)).mark(), busyAfter)
  }

  onFlow(signal: SignalOf<'flow'>, channel: Channel): void {
    channel.windows.known(signal.from)?.report(signal)
  }

  onReclaim({ from, keep }: SignalOf<'reclaim'>, channel: Channel): void {
    channel.put({
      op: 'giveBack',
      to: from,
      credits: channel.windows.known(from)?.giveBack(keep) ?? Number.MAX_SAFE_INTEGER,
    })
  }

  /** A process in another thread has ended, after `arrived` messages from here. */
  receiverEnded(pid: Pid, channel: Channel, arrived: number): void {
    this.#sendWindows.delete(pid)
    this.#lose(pid, channel.windows.close(pid, arrived), 'it has ended')
  }

  /** A process in another network accepts nothing from this thread. */
  refused(pid: Pid, channel: Channel, error: TroupeError): void {
    this.#sendWindows.delete(pid)
    this.#loseFor(pid, channel.windows.refuse(pid, error), error.message)
  }

  /** Another thread has ended: the messages that its processes had not taken are lost. */
  threadGone(channel: Channel, error: TroupeError): void {
    for (const { pid, lost } of channel.closeAll(error)) {
      this.#sendWindows.delete(pid)
      if (isNodeDown(error)) this.#loseFor(pid, lost, `it may have arrived: ${error.message}`)
      else this.#lose(pid, lost, error.message)
    }
  }

  /** The receiver had not taken these messages when it ended. */
  #lose(to: Pid, envelopes: readonly Unacknowledged[], reason: string): void {
    this.#loseFor(to, envelopes, `the receiver had not taken it when it ended: ${reason}`)
  }

  /** The send window of a process in another thread; `undefined` for a process of this thread. */
  #sendWindow(to: Pid): SendWindow<Channel> | undefined {
    const known = this.#sendWindows.get(to)
    if (known !== undefined && !known.closed) return known
    if (this.#isHere(to)) return undefined
    const sendWindow = this.#options.channel(reach(to)).windows.get(to)
    if (sendWindow.closed) this.#sendWindows.delete(to)
    else this.#sendWindows.set(to, sendWindow)
    return sendWindow
  }

  #loseFor(to: Pid, envelopes: readonly Unacknowledged[], reason: string): void {
    for (const { from, topic } of envelopes) this.#options.onDead({ from, to, topic, reason })
  }

  #isHere(to: Pid): boolean {
    return threadOf(to) === this.#options.thread
  }
}
