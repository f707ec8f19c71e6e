/**
 * Routes messages of a thread. Those between its own processes go into the receiver's mailbox at once, the others over
 * channels to other threads.
 */
import {
  count,
  counter,
  errorFromWire,
  errorToWire,
  type EntryId,
  type Pid,
  threadOf,
  type TroupeError,
  unavailable,
  yielding,
} from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import type { Envelope } from '../../mailbox/message.ts'
import { forThread, pack, type Packed, type Transfer, unpack } from '../../mailbox/payload.ts'
import type { DeadEnvelope } from '../../mailbox/dead-letter-batch.ts'
import type { SignalOf } from '../../protocol/signals.ts'
import { InboundMessages } from './inbound-messages.ts'
import type { LostMessage } from '../../mailbox/kept-message.ts'
import { OutboundMessages, type Outgoing } from './outbound-messages.ts'
import type { LocalProcess } from '../process/local-process.ts'
import type { PendingSend } from '../process/pending-sends.ts'
import type { Participant } from '../participant.ts'
import { crossing } from '../../protocol/network-crossing.ts'
import { Refusal } from '../../mailbox/refusal.ts'
import { PendingReplies } from './pending-replies.ts'
import { isRecording, recordSent } from '../recording.ts'
import { sendToSuccessor } from '../successor.ts'
import { checkTopic, missing, over, toItself, unfitReply, wordsOf } from './send-errors.ts'

export interface MessageRouterOptions {
  readonly thread: number
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  readonly onDead: (envelope: DeadEnvelope) => void
  /** The overlay of this thread. */
  readonly overlay: () => EntryId | null
  /** Called when a participant sends more than is read, and does not wait. */
  readonly onOverrun: (by: Pid, error: TroupeError) => void
}

export class MessageRouter {
  readonly #options: MessageRouterOptions
  readonly #calls = new PendingReplies()
  /** The messages to other threads, and those from them. */
  readonly outbound: OutboundMessages
  readonly inbound: InboundMessages

  constructor(options: MessageRouterOptions) {
    this.#options = options
    this.outbound = new OutboundMessages(options)
    this.inbound = new InboundMessages({
      ...options,
      onLost: (to, message, reason) => {
        const { from, topic } = message
        options.onDead({ from, to, topic, reason, message })
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
    const held = {
      to: name,
      topic: message.topic,
      withdrawn: false,
      message: message.packed && lost(message, message.packed),
    }
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
        this.inbound.reclaim(receiver)
        return false
      }
      receiver.mailbox.put(localEnvelope(by, message, pack(message.payload, message.transfer), 0))
    } else if (!this.outbound.trySend(by, message)) return false
    count(counter.messagesSent)
    if (isRecording()) recordSent(by, message, 0, 0)
    return true
  }

  /**
   * Sends a message and waits for the reply. Rejects as soon as the callee dies; a reply after `timeout` is dropped.
   */
  call(by: Participant, message: Outgoing, timeout: number | undefined): Promise<unknown> {
    if (by.ended) return yielding(Promise.reject(over(by)))
    if (message.to === by.pid && this.#options.process(by.pid) !== undefined)
      return yielding(Promise.reject(toItself(by)))
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
    if (payload instanceof Refusal) {
      this.#refuse(to, call, errorFromWire(errorToWire(payload.error)))
      return
    }
    try {
      const packed = pack(payload, transfer)
      if (this.#isHere(to)) this.#calls.resolve(call, unpack(packed.payload), thread)
      else {
        const channel = this.#options.channel(threadOf(to))
        channel.gate?.check(packed.payload, 'reply', true)
        channel.put({ op: 'reply', call, payload: forThread(threadOf(to), packed) }, packed.transfer)
      }
    } catch (cause) {
      this.#refuse(to, call, unfitReply(cause))
    }
  }

  /** A message to a process here was dropped: unless it is a call, it becomes a dead letter. */
  overflowed(to: Pid, message: Envelope): void {
    const { from, topic, call } = message
    const reason = 'a selective receive skipped it, and there was no more room for it'
    if (call === 0) this.#options.onDead({ from, to, topic, reason, message })
    else this.#refuse(from, call, unavailable(`${to} did not take call "${topic}": ${reason}`, { pid: to, topic }))
  }

  /** A process here refused a message: a call rejects with the error, another message becomes a dead letter. */
  refused(to: Pid, { from, topic, call }: Pick<Envelope, 'from' | 'topic' | 'call'>, error: unknown): void {
    if (call === 0) this.#options.onDead({ from, to, topic, reason: `the receiver refused it: ${wordsOf(error)}` })
    else this.#refuse(from, call, errorFromWire(errorToWire(error)))
  }

  /** Rejects a call from another process. */
  #refuse(to: Pid, call: number, error: TroupeError): void {
    if (this.#isHere(to)) this.#calls.fail(call, error, this.#options.thread)
    else this.#options.channel(threadOf(to)).put({ op: 'badReply', call, error: errorToWire(error) })
  }

  onReply(signal: SignalOf<'reply'>, channel: Channel): void {
    this.#calls.resolve(signal.call, unpack(signal.payload), channel.thread)
  }

  onBadReply({ call, error }: SignalOf<'badReply'>, channel: Channel): void {
    this.#calls.fail(call, errorFromWire(error), channel.thread)
  }

  onClosed({ pid, arrived, error }: SignalOf<'closed'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    this.outbound.receiverEnded(pid, channel, arrived)
    this.#calls.processEnded(pid, error && errorFromWire(error))
  }

  /** A process in another network accepts nothing from this one. */
  onRefused({ pid, call, network }: SignalOf<'refused'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    const error = crossing({ to: pid, from: this.#options.overlay(), receiver: network })
    this.outbound.refused(pid, channel, error)
    if (call !== 0) this.#calls.fail(call, error, channel.thread)
  }

  /**
   * Another thread has ended: the messages that its processes had not taken are lost, and callers that wait for replies
   * are notified.
   */
  threadGone(channel: Channel, error: TroupeError): void {
    this.outbound.threadGone(channel, error)
    this.inbound.threadGone(channel.thread)
    this.#calls.threadGone(channel.thread, error)
  }

  /** A process here ended and left `envelopes` untaken. */
  processEnded(ended: LocalProcess, envelopes: readonly Envelope[]): void {
    const error = ended.exit !== undefined && 'error' in ended.exit ? ended.exit.error : undefined
    const reason = 'the receiver had not taken it when it ended: it has ended'
    for (const message of envelopes) {
      const { from, topic, call } = message
      if (call === 0) this.#options.onDead({ from, to: ended.pid, topic, reason, message })
    }
    this.inbound.processEnded(ended, (thread, arrived) => {
      this.#options.channel(thread).put({ op: 'closed', pid: ended.pid, arrived, ...(error && { error }) })
    })
    this.#calls.processEnded(ended.pid, error && errorFromWire(error))
  }

  /** @param held An existing record that the message is in flight, if there is one. */
  #dispatch(by: Participant, message: Outgoing, call: number, held: PendingSend | undefined): Promise<void> {
    try {
      checkTopic(message.topic)
      const packed = message.packed ?? pack(message.payload, message.transfer)
      count(counter.messagesSent)
      if (isRecording()) recordSent(by, message, call, packed.weight)
      const receiver = this.#options.process(message.to)
      return receiver === undefined
        ? this.outbound.send(by, message, packed, call, held)
        : this.#deliver(by, receiver, message, packed, call, held)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Puts a message into the mailbox of a process of this thread, as soon as there is room for it. */
  #deliver(
    by: Participant,
    receiver: LocalProcess,
    message: Outgoing,
    packed: Packed,
    call: number,
    held: PendingSend | undefined,
  ): Promise<void> {
    const { to, topic } = message
    const envelope = localEnvelope(by, message, packed, call)
    if (receiver.mailbox.hasRoom(topic)) {
      receiver.mailbox.put(envelope)
      return delivered
    }
    this.inbound.reclaim(receiver)
    const waiting = held ?? { to, topic, withdrawn: false, message: envelope }
    // An existing hold on the message already does this.
    if (held === undefined) by.note(waiting)
    return new Promise((resolve, reject) => {
      receiver.mailbox.putWhenRoom(envelope, waiting, (accepted) => {
        const error = accepted ? undefined : missing(to)
        if (held === undefined) by.release(waiting, error)
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }

  #isHere(to: Pid): boolean {
    return threadOf(to) === this.#options.thread
  }
}

const delivered = Promise.resolve()

function lost({ frame }: Pick<Outgoing, 'frame'>, { payload }: Packed): LostMessage {
  return { payload, frame }
}

function localEnvelope(by: Participant, { topic, frame }: Outgoing, { payload }: Packed, call: number): Envelope {
  return { topic, from: by.pid, payload, frame, call, receiveWindow: undefined, sequence: 0 }
}
