/** Messages of a thread: between its own processes, and over channels to other threads. */
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
import type { Account, Unacknowledged } from '../mailbox/account.ts'
import type { Channel } from '../mailbox/channel.ts'
import { type Flow, openingWindow } from '../mailbox/flow.ts'
import type { Letter } from '../mailbox/letter.ts'
import { pack, type Packed, type Transfer, unpack } from '../mailbox/payload.ts'
import type { DeadLetter, Parcel } from '../protocol.ts'
import { deliver, localLetter } from './local-delivery.ts'
import type { LocalProcess } from './local-process.ts'
import type { Held } from './outbox.ts'
import type { Participant } from './participant.ts'
import { checkCrossing, crossing, mayNotCross } from '../crossing.ts'
import { PendingCalls } from './pending-calls.ts'
import { checkTopic, missing, over, toItself, unfitReply, wordsOf } from './refusals.ts'

/** A message to send. */
export interface Outgoing {
  readonly to: Pid
  readonly topic: string
  readonly payload: unknown
  readonly frame: Frame
  readonly transfer: Transfer
  /** The payload, where it was packed before the pid was known. */
  readonly packed?: Packed
}

export interface PostOfficeOptions {
  readonly thread: number
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  readonly onDead: (letter: DeadLetter) => void
  /** The overlay of this thread. */
  readonly overlay: () => EntryId | null
}

/** Milliseconds without an answer, after which a thread counts as busy. */
const busyAfter = 500

type Of<Op extends Parcel['op']> = Extract<Parcel, { op: Op }>

export class PostOffice {
  readonly #options: PostOfficeOptions
  readonly #calls = new PendingCalls()
  readonly #reports: { readonly receiver: LocalProcess; readonly flow: Flow }[] = []
  readonly #accounts = new Map<Pid, Account>()
  /** Processes here that have letters from a thread, by that thread. */
  readonly #receivers = new Map<number, Set<LocalProcess>>()

  constructor(options: PostOfficeOptions) {
    this.#options = options
  }

  /** Settles when the receiver's mailbox has accepted the message. */
  send(by: Participant, message: Outgoing): Promise<void> {
    return yielding(by.ended ? Promise.reject(over(by)) : this.#dispatch(by, message, 0, undefined))
  }

  /** Sends to a process whose pid the kernel is still asked for. */
  sendByName(by: Participant, name: string, found: Promise<Pid>, message: Omit<Outgoing, 'to'>): Promise<void> {
    if (by.ended) return yielding(Promise.reject(over(by)))
    const held = { to: name, topic: message.topic, withdrawn: false }
    const sent = found.then((to) => (held.withdrawn ? undefined : this.#dispatch(by, { ...message, to }, 0, held)))
    return yielding(by.hold(sent, held))
  }

  /** Answers false where there is no room now. */
  trySend(by: Participant, message: Outgoing): boolean {
    checkTopic(message.topic)
    const { to, topic, frame } = message
    const receiver = this.#options.process(to)
    if (receiver !== undefined) {
      if (!receiver.mailbox.hasRoom(topic)) return false
      receiver.mailbox.put(localLetter(by, message, pack(message.payload, message.transfer), 0))
      return true
    }
    const account = this.#account(to)
    if (account === undefined) return false
    const { payload, transfer } = pack(message.payload, message.transfer)
    if (by.ended || !account.take(by.pid, topic, false, true)) return false
    account.channel.putSend(to, by.pid, topic, frame, payload, 0, transfer)
    return true
  }

  /** Settles when what was sent to a process before has left this thread. */
  async posted(to: Pid): Promise<void> {
    if (this.#isHere(to)) return
    const channel = this.#options.channel(threadOf(to))
    await channel.introduced()
    channel.flush()
  }

  /** Settles when what was sent to a process before has come to its thread, or that thread is too busy to say so. */
  async arrival(to: Pid): Promise<void> {
    if (!this.#isHere(to)) await settledWithin(this.#options.channel(threadOf(to)).mark(), busyAfter)
  }

  /** Sends, and waits for the reply. Rejects as soon as the callee dies; a reply that comes after `timeout` is dropped. */
  call(by: Participant, message: Outgoing, timeout: number | undefined): Promise<unknown> {
    if (by.ended) return yielding(Promise.reject(over(by)))
    if (message.to === by.pid && this.#options.process(by.pid) !== undefined) return yielding(Promise.reject(toItself(by)))
    const { number, held, reply } = this.#calls.open(by.pid, message.to, message.topic, timeout)
    this.#dispatch(by, message, number, held).catch((error: unknown) => {
      this.#calls.reject(number, error)
    })
    return yielding(reply)
  }

  /** Carries a reply back to the caller, or the reason why it cannot be carried: the caller's process may go on, and so may the callee. */
  answer(to: Pid, call: number, payload: unknown, transfer: Transfer): void {
    const { thread } = this.#options
    try {
      const packed = pack(payload, transfer)
      if (this.#isHere(to)) this.#calls.resolve(call, unpack(packed.payload), thread)
      else {
        const channel = this.#options.channel(threadOf(to))
        if (channel.border?.leadsElsewhere === true) checkCrossing(packed.payload, 'reply', true)
        channel.put({ op: 'reply', call, payload: packed.payload }, packed.transfer)
      }
    } catch (cause) {
      this.#refuse(to, call, unfitReply(cause))
    }
  }

  /** A letter to a process here gave way: one that nobody waits for is a dead letter. */
  overflowed(to: Pid, { from, topic, call }: Letter): void {
    const reason = 'a selective receive passed it over, and it no longer fitted'
    if (call === 0) this.#options.onDead({ from, to, topic, reason })
    else this.#refuse(from, call, unavailable(`${to} did not take the call "${topic}": ${reason}`, { pid: to, topic }))
  }

  /** Rejects a call that came here. */
  #refuse(to: Pid, call: number, error: TroupeError): void {
    if (this.#isHere(to)) this.#calls.fail(call, error, this.#options.thread)
    else this.#options.channel(threadOf(to)).put({ op: 'badReply', call, error: errorToWire(error) })
  }

  onSend(run: Of<'send'>, channel: Channel): void {
    const sent = channel.decoder.decode(run.frame)
    const frame = sent && channel.border?.frameOf(sent)
    const receiver = this.#options.process(run.to)
    if (receiver === undefined || frame === undefined || threadOf(run.from) !== channel.thread) {
      channel.put({ op: 'closed', pid: run.to, arrived: 0 })
      return
    }
    if (channel.border?.isAccepted(receiver.accepts) === false) {
      channel.put({ op: 'refused', pid: run.to, call: run.call, network: this.#options.overlay() })
      return
    }
    const { from, topic, call } = run
    const flow = receiver.flow(channel.thread)
    if (flow.arrived === 0) this.#opened(receiver, flow)
    // Their senders wait to hear that they were accepted.
    else if (flow.arrived < openingWindow) this.reportFlow(receiver, flow)
    for (const payload of run.payloads) this.#admit(receiver, { from, topic, payload, call, frame, flow, sequence: flow.arrive() }, flow)
  }

  /** Puts a letter into the mailbox, now or as soon as there is room for it. */
  #admit(receiver: LocalProcess, letter: Letter, flow: Flow): void {
    const { mailbox, pid } = receiver
    if (mailbox.hasRoom(letter.topic)) {
      flow.admit()
      mailbox.put(letter)
      return
    }
    mailbox.putWhenRoom(letter, forGood, (accepted) => {
      if (accepted) {
        flow.admit()
        this.reportFlow(receiver, flow)
      } else if (letter.call === 0) this.#lose(pid, [letter], 'it has ended')
    })
  }

  /** The first letter of a thread to a process. */
  #opened(receiver: LocalProcess, flow: Flow): void {
    const known = this.#receivers.get(flow.thread)
    if (known === undefined) this.#receivers.set(flow.thread, new Set([receiver]))
    else known.add(receiver)
    this.reportFlow(receiver, flow)
  }

  onReply(parcel: Of<'reply'>, channel: Channel): void {
    this.#calls.resolve(parcel.call, unpack(parcel.payload), channel.thread)
  }

  onBadReply({ call, error }: Of<'badReply'>, channel: Channel): void {
    this.#calls.fail(call, errorFromWire(error), channel.thread)
  }

  onFlow(parcel: Of<'flow'>, channel: Channel): void {
    channel.account(parcel.from).report(parcel)
  }

  onClosed({ pid, arrived, error }: Of<'closed'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    this.#accounts.delete(pid)
    this.#lose(pid, channel.closeAccount(pid, arrived), 'it has ended')
    this.#calls.processEnded(pid, error && errorFromWire(error))
  }

  /** A process in another network takes nothing from this one. */
  onRefused({ pid, call, network }: Of<'refused'>, channel: Channel): void {
    if (threadOf(pid) !== channel.thread) return
    const error = crossing({ to: pid, from: this.#options.overlay(), receiver: network })
    this.#accounts.delete(pid)
    this.#loseFor(pid, channel.refuseAccount(pid, error), error.message)
    if (call !== 0) this.#calls.reject(call, error)
  }

  /** Another thread is gone: what its processes had not taken is lost, and who waits for their replies is told. */
  threadGone(channel: Channel, error: TroupeError): void {
    const reason = error.message
    for (const { pid, lost } of channel.closeAll(reason)) {
      this.#accounts.delete(pid)
      this.#lose(pid, lost, reason)
    }
    for (const receiver of this.#receivers.get(channel.thread) ?? []) receiver.removeFlow(channel.thread)
    this.#receivers.delete(channel.thread)
    this.#calls.threadGone(channel.thread, error)
  }

  /** A process here ended with `letters` untaken. */
  processEnded(ended: LocalProcess, letters: readonly Letter[]): void {
    const error = ended.exit !== undefined && 'error' in ended.exit ? ended.exit.error : undefined
    this.#lose(
      ended.pid,
      letters.filter(({ call }) => call === 0),
      'it has ended',
    )
    for (const [thread, { arrived }] of ended.flows) {
      this.#receivers.get(thread)?.delete(ended)
      this.#options.channel(thread).put({ op: 'closed', pid: ended.pid, arrived, ...(error && { error }) })
    }
    this.#calls.processEnded(ended.pid, error && errorFromWire(error))
  }

  /** Reports to a sending thread at the end of this turn, or now when it may be running dry. */
  reportFlow(receiver: LocalProcess, flow: Flow): void {
    const window = receiver.window
    if (flow.freed > window / 4) {
      const channel = this.#options.channel(flow.thread)
      channel.put({ op: 'flow', from: receiver.pid, ...flow.report(window) })
      channel.flush()
      return
    }
    if (flow.due) return
    flow.due = true
    if (this.#reports.length === 0) process.nextTick(this.#sendReports)
    this.#reports.push({ receiver, flow })
  }

  readonly #sendReports = () => {
    for (const { receiver, flow } of this.#reports.splice(0)) {
      if (!flow.due || receiver.ended) continue
      this.#options.channel(flow.thread).put({ op: 'flow', from: receiver.pid, ...flow.report(receiver.window) })
    }
  }

  /** @param held Notes that it is on its way already, if somebody does. */
  #dispatch(by: Participant, message: Outgoing, call: number, held: Held | undefined): Promise<void> {
    try {
      checkTopic(message.topic)
      const packed = message.packed ?? pack(message.payload, message.transfer)
      const receiver = this.#options.process(message.to)
      return receiver === undefined ? this.#ship(by, message, packed, call, held) : deliver(by, receiver, message, packed, call, held)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #ship(by: Participant, message: Outgoing, packed: Packed, call: number, held: Held | undefined): Promise<void> {
    const { to, topic, frame } = message
    const account = this.#account(to)
    if (account === undefined) return Promise.reject(missing(to))
    const { border } = account.channel
    if (border === undefined ? mayNotCross(packed.payload) : border.leadsElsewhere) {
      // Whether it crosses at all is not known before the two threads were introduced.
      if (border === undefined && !account.closed) {
        return account.channel.introduced().then(() => this.#ship(by, message, packed, call, held))
      }
      checkCrossing(packed.payload, 'payload')
    }
    const isCall = call !== 0
    const post = () => {
      account.channel.putSend(to, by.pid, topic, frame, packed.payload, call, packed.transfer)
    }
    if (!account.take(by.pid, topic, isCall)) {
      const letter = held ?? { to, topic, withdrawn: false }
      const sent = account.sendLater({ from: by.pid, topic, isCall, held: letter, post })
      return held === undefined ? by.hold(sent, letter) : sent
    }
    post()
    if (account.hadRoom) return delivered
    return account.accepted().catch((error: unknown) => {
      // Nobody is left to hear of it.
      if (by.ended && !isCall) this.#options.onDead({ from: by.pid, to, topic, reason: wordsOf(error) })
      throw error
    })
  }

  /** The account of a process in another thread; nothing for one that would be here. */
  #account(to: Pid): Account | undefined {
    const known = this.#accounts.get(to)
    if (known !== undefined && !known.closed) return known
    if (this.#isHere(to)) return undefined
    const account = this.#options.channel(threadOf(to)).account(to)
    if (account.closed) this.#accounts.delete(to)
    else this.#accounts.set(to, account)
    return account
  }

  #lose(to: Pid, letters: readonly Unacknowledged[], reason: string): void {
    this.#loseFor(to, letters, `the receiver had not taken it when it ended: ${reason}`)
  }

  #loseFor(to: Pid, letters: readonly Unacknowledged[], reason: string): void {
    for (const { from, topic } of letters) this.#options.onDead({ from, to, topic, reason })
  }

  #isHere(to: Pid): boolean {
    return threadOf(to) === this.#options.thread
  }
}

const delivered = Promise.resolve()

/** Of a letter that came from another thread: it is not withdrawn any more. */
const forGood = { withdrawn: false }
