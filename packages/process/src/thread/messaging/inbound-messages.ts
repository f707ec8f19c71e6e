/** The receiving side of messages from other threads: puts them into mailboxes, and reports room to their senders. */
import { threadOf, type EntryId, type Frame, type Pid, type TroupeError, unavailable } from '@troupe/core'
import type { Channel } from '../../channel/channel.ts'
import { type ReceiveWindow, openingWindow } from '../../mailbox/reservations.ts'
import type { Envelope } from '../../mailbox/message.ts'
import type { SignalOf } from '../../protocol/signals.ts'
import type { LocalProcess } from '../process/local-process.ts'

export interface InboundMessagesOptions {
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  /** The overlay of this thread. */
  readonly overlay: () => EntryId | null
  /** Called when a message is lost. */
  readonly onLost: (to: Pid, envelope: Envelope, reason: string) => void
  /** Rejects a call from another thread. */
  readonly refuse: (to: Pid, call: number, error: TroupeError) => void
}

export class InboundMessages {
  readonly #options: InboundMessagesOptions
  /** Processes here that have messages from a thread, by that thread. */
  readonly #receivers = new Map<number, Set<LocalProcess>>()

  constructor(options: InboundMessagesOptions) {
    this.#options = options
  }

  /** @param frame - The sender's frame, as far as the kernel confirms it. */
  onSend(run: SignalOf<'send'>, channel: Channel, frame: Frame): void {
    const receiver = this.#options.process(run.to)
    if (receiver === undefined || threadOf(run.from) !== channel.thread) {
      channel.put({ op: 'closed', pid: run.to, arrived: 0 })
      return
    }
    if (channel.gate?.isAccepted(receiver.accepts) === false) {
      receiver.reservations?.remove(channel.thread)
      channel.put({ op: 'refused', pid: run.to, call: run.call, network: this.#options.overlay() })
      return
    }
    const { from, topic, call, claim } = run
    const reservations = receiver.reserving()
    const receiveWindow = reservations.receiveWindow(channel.thread)
    if (receiveWindow.arrived === 0) this.#opened(receiver, receiveWindow)
    for (const payload of run.payloads) {
      const envelope: Envelope = { from, topic, payload, call, frame, receiveWindow, sequence: receiveWindow.arrive() }
      if (claim === 'held' && receiveWindow.reserved > 0) {
        receiveWindow.admitHeld()
        receiver.mailbox.putReserved(envelope)
      } else this.#admit(receiver, envelope, receiveWindow, claim !== 'try' && receiveWindow.waiting < openingWindow)
    }
    if (claim === 'held' && !reservations.runsLow(receiveWindow)) return
    this.reportFlow(receiver, receiveWindow)
    // Senders of messages without reserved room wait for the report that these were accepted.
    if (claim !== 'held') channel.flushSoon()
  }

  /** Handles the first message of a thread to a process. */
  #opened(receiver: LocalProcess, receiveWindow: ReceiveWindow): void {
    const known = this.#receivers.get(receiveWindow.thread)
    if (known === undefined) this.#receivers.set(receiveWindow.thread, new Set([receiver]))
    else known.add(receiver)
  }

  /** Puts a message into the mailbox, now or as soon as there is room for it. */
  #admit(receiver: LocalProcess, envelope: Envelope, receiveWindow: ReceiveWindow, mayWait: boolean): void {
    const { mailbox, pid } = receiver
    if (mailbox.hasRoom(envelope.topic)) {
      receiveWindow.admit(envelope.sequence)
      mailbox.put(envelope)
      return
    }
    this.reclaim(receiver)
    if (!mayWait) {
      receiveWindow.taken(envelope.sequence)
      const reason = `the mailbox of ${pid} was full`
      if (envelope.call === 0) this.#options.onLost(pid, envelope, reason)
      else this.#options.refuse(envelope.from, envelope.call, unavailable(reason, { pid, topic: envelope.topic }))
      return
    }
    receiveWindow.wait(envelope.sequence)
    mailbox.putWhenRoom(envelope, forGood, (accepted) => {
      if (accepted) {
        receiveWindow.admit(envelope.sequence)
        this.reportFlow(receiver, receiveWindow)
        this.#options.channel(receiveWindow.thread).flushSoon()
      } else if (envelope.call === 0)
        this.#options.onLost(pid, envelope, 'the receiver had not taken it when it ended: it has ended')
    })
  }

  /** A sender finds no room: other threads are asked to give back the room that they do not use. */
  reclaim(receiver: LocalProcess): void {
    if (receiver.mailbox.reserved > 0) this.#ask(receiver, 0)
  }

  #ask(receiver: LocalProcess, keep: number): void {
    for (const { thread } of receiver.reservations?.ask(keep) ?? []) {
      this.#options.channel(thread).put({ op: 'reclaim', from: receiver.pid, keep })
    }
  }

  onGiveBack({ to, credits }: SignalOf<'giveBack'>, channel: Channel): void {
    const receiver = this.#options.process(to)
    const receiveWindow = receiver?.reservations?.receiveWindows.get(channel.thread)
    if (receiver === undefined || receiveWindow === undefined) return
    receiver.reservations?.giveBack(receiveWindow, credits)
    this.reportFlow(receiver, receiveWindow)
    channel.flushSoon()
    if (credits > 0) this.#reportRoom(receiver)
  }

  /** Reports room to other threads that was reserved for one thread and is now free. */
  #reportRoom(receiver: LocalProcess): void {
    for (const receiveWindow of receiver.reservations?.starved() ?? []) this.reportFlow(receiver, receiveWindow)
  }

  /**
   * Reports to a sending thread, with what else is sent there in this turn of the event loop, or at its end; at once if
   * that thread may be running out of room.
   */
  readonly reportFlow = (receiver: LocalProcess, receiveWindow: ReceiveWindow): void => {
    const { reservations } = receiver
    if (reservations === undefined) return
    const isLow = receiveWindow.freed > reservations.share >> 1
    if (receiveWindow.due && !isLow) return
    if (!isCurrent(receiver, receiveWindow)) return
    const channel = this.#options.channel(receiveWindow.thread)
    if (isLow) {
      channel.put(this.#report(receiver, receiveWindow))
      channel.flush()
      return
    }
    receiveWindow.due = true
    channel.putLate(() =>
      receiveWindow.due && !receiver.ended && isCurrent(receiver, receiveWindow)
        ? this.#report(receiver, receiveWindow)
        : undefined,
    )
  }

  #report(receiver: LocalProcess, receiveWindow: ReceiveWindow): SignalOf<'flow'> {
    const reservations = receiver.reserving()
    const report = reservations.report(receiveWindow)
    const kept = reservations.keptFrom(receiveWindow)
    if (kept !== undefined) this.#ask(receiver, kept)
    return { op: 'flow', from: receiver.pid, ...report }
  }

  /** Another thread has ended. */
  threadGone(thread: number): void {
    for (const receiver of this.#receivers.get(thread) ?? []) {
      receiver.reservations?.remove(thread)
      this.#reportRoom(receiver)
    }
    this.#receivers.delete(thread)
  }

  /**
   * A process here has ended. Calls `tell` with each thread that sent to it, and the number of its messages that
   * arrived here.
   */
  processEnded(ended: LocalProcess, tell: (thread: number, arrived: number) => void): void {
    for (const [thread, { arrived }] of ended.reservations?.receiveWindows ?? []) {
      this.#receivers.get(thread)?.delete(ended)
      tell(thread, arrived)
    }
  }
}

/** For messages from other threads, which can no longer be withdrawn. */
const forGood = { withdrawn: false }

/** There is no report for messages that a thread sent before it was removed. */
function isCurrent({ reservations }: LocalProcess, receiveWindow: ReceiveWindow): boolean {
  return reservations?.receiveWindows.get(receiveWindow.thread) === receiveWindow
}
