/** The receiving side of the messages that come from other threads: it puts them into mailboxes, and reports room to their senders. */
import { threadOf, type EntryId, type Frame, type Pid, type TroupeError, unavailable } from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import { type Flow, openingWindow } from '../../mailbox/receive-window.ts'
import type { Letter } from '../../mailbox/message.ts'
import type { Parcel } from '../../protocol/kernel-thread.ts'
import type { LocalProcess } from '../process/local-process.ts'

export interface InboundOptions {
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  /** The overlay of this thread. */
  readonly overlay: () => EntryId | null
  /** A message is lost. */
  readonly onLost: (to: Pid, letter: Letter, reason: string) => void
  /** Rejects a call that came here. */
  readonly refuse: (to: Pid, call: number, error: TroupeError) => void
}

type Of<Op extends Parcel['op']> = Extract<Parcel, { op: Op }>

export class Inbound {
  readonly #options: InboundOptions
  readonly #reports: { readonly receiver: LocalProcess; readonly flow: Flow }[] = []
  /** Processes here that have letters from a thread, by that thread. */
  readonly #receivers = new Map<number, Set<LocalProcess>>()

  constructor(options: InboundOptions) {
    this.#options = options
  }

  /** @param frame - The sender's, as far as the kernel bears it out. */
  onSend(run: Of<'send'>, channel: Channel, frame: Frame): void {
    const receiver = this.#options.process(run.to)
    if (receiver === undefined || threadOf(run.from) !== channel.thread) {
      channel.put({ op: 'closed', pid: run.to, arrived: 0 })
      return
    }
    if (channel.border?.isAccepted(receiver.accepts) === false) {
      receiver.reservations?.remove(channel.thread)
      channel.put({ op: 'refused', pid: run.to, call: run.call, network: this.#options.overlay() })
      return
    }
    const { from, topic, call, claim } = run
    const reservations = receiver.reserving()
    const flow = reservations.flow(channel.thread)
    if (flow.arrived === 0) this.#opened(receiver, flow)
    for (const payload of run.payloads) {
      const letter: Letter = { from, topic, payload, call, frame, flow, sequence: flow.arrive() }
      if (claim === 'held' && flow.reserved > 0) {
        flow.admitHeld()
        receiver.mailbox.putReserved(letter)
      } else this.#admit(receiver, letter, flow, claim !== 'try' && flow.waiting < openingWindow)
    }
    // Senders of letters without reserved room wait to hear that they were accepted.
    if (claim !== 'held' || reservations.runsLow(flow)) this.reportFlow(receiver, flow)
  }

  /** The first letter of a thread to a process. */
  #opened(receiver: LocalProcess, flow: Flow): void {
    const known = this.#receivers.get(flow.thread)
    if (known === undefined) this.#receivers.set(flow.thread, new Set([receiver]))
    else known.add(receiver)
  }

  /** Puts a letter into the mailbox, now or as soon as there is room for it. */
  #admit(receiver: LocalProcess, letter: Letter, flow: Flow, mayWait: boolean): void {
    const { mailbox, pid } = receiver
    if (mailbox.hasRoom(letter.topic)) {
      flow.admit(letter.sequence)
      mailbox.put(letter)
      return
    }
    this.reclaim(receiver)
    if (!mayWait) {
      flow.taken(letter.sequence)
      const reason = `the mailbox of ${pid} was full`
      if (letter.call === 0) this.#options.onLost(pid, letter, reason)
      else this.#options.refuse(letter.from, letter.call, unavailable(reason, { pid, topic: letter.topic }))
      return
    }
    flow.wait(letter.sequence)
    mailbox.putWhenRoom(letter, forGood, (accepted) => {
      if (accepted) {
        flow.admit(letter.sequence)
        this.reportFlow(receiver, flow)
      } else if (letter.call === 0) this.#options.onLost(pid, letter, 'the receiver had not taken it when it ended: it has ended')
    })
  }

  /** A sender finds no room: other threads give back what they do not use. */
  reclaim(receiver: LocalProcess): void {
    if (receiver.mailbox.reserved > 0) this.#ask(receiver, 0)
  }

  #ask(receiver: LocalProcess, keep: number): void {
    for (const { thread } of receiver.reservations?.ask(keep) ?? []) {
      this.#options.channel(thread).put({ op: 'reclaim', from: receiver.pid, keep })
    }
  }

  onGiveBack({ to, credits }: Of<'giveBack'>, channel: Channel): void {
    const receiver = this.#options.process(to)
    const flow = receiver?.reservations?.flows.get(channel.thread)
    if (receiver === undefined || flow === undefined) return
    receiver.reservations?.giveBack(flow, credits)
    this.reportFlow(receiver, flow)
    if (credits > 0) this.#reportRoom(receiver)
  }

  /** Room that was reserved for one thread is for others. */
  #reportRoom(receiver: LocalProcess): void {
    for (const flow of receiver.reservations?.starved() ?? []) this.reportFlow(receiver, flow)
  }

  /** Reports to a sending thread at the end of this turn, or now when it may be running dry. */
  reportFlow(receiver: LocalProcess, flow: Flow): void {
    const { reservations } = receiver
    // What a thread sent before it was shut out is reported to none.
    if (reservations?.flows.get(flow.thread) !== flow) return
    if (flow.freed > reservations.share >> 2) {
      this.#report(receiver, flow)
      this.#options.channel(flow.thread).flush()
      return
    }
    if (flow.due) return
    flow.due = true
    if (this.#reports.length === 0) process.nextTick(this.#sendReports)
    this.#reports.push({ receiver, flow })
  }

  readonly #sendReports = () => {
    for (const { receiver, flow } of this.#reports.splice(0)) {
      if (flow.due && !receiver.ended && receiver.reservations?.flows.get(flow.thread) === flow) this.#report(receiver, flow)
    }
  }

  #report(receiver: LocalProcess, flow: Flow): void {
    const reservations = receiver.reserving()
    this.#options.channel(flow.thread).put({ op: 'flow', from: receiver.pid, ...reservations.report(flow) })
    const kept = reservations.keptFrom(flow)
    if (kept !== undefined) this.#ask(receiver, kept)
  }

  /** Another thread is gone. */
  threadGone(thread: number): void {
    for (const receiver of this.#receivers.get(thread) ?? []) {
      receiver.reservations?.remove(thread)
      this.#reportRoom(receiver)
    }
    this.#receivers.delete(thread)
  }

  /** A process here ended; calls `tell` with each thread that sent to it, and how many of its letters came here. */
  processEnded(ended: LocalProcess, tell: (thread: number, arrived: number) => void): void {
    for (const [thread, { arrived }] of ended.reservations?.flows ?? []) {
      this.#receivers.get(thread)?.delete(ended)
      tell(thread, arrived)
    }
  }
}

/** Of a letter that came from another thread: it is not withdrawn any more. */
const forGood = { withdrawn: false }
