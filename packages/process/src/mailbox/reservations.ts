/**
 * Room of a mailbox that is reserved for threads which send to it, so that their senders need not wait for each message to be accepted.
 * At most half of the mailbox is reserved and unused at a time: the rest is for senders of the same thread, and for messages that come without a
 * reservation. A thread that holds a reservation and never comes back to its event loop keeps nobody out.
 */
import { ReceiveWindow, type CreditReport } from './receive-window.ts'
import type { Mailbox } from './mailbox.ts'

export class Reservations {
  readonly #mailbox: Mailbox
  readonly #receiveWindows = new Map<number, ReceiveWindow>()

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  get receiveWindows(): ReadonlyMap<number, ReceiveWindow> {
    return this.#receiveWindows
  }

  /** The flow of a sending thread. */
  receiveWindow(thread: number): ReceiveWindow {
    const known = this.#receiveWindows.get(thread)
    if (known !== undefined) return known
    const receiveWindow = new ReceiveWindow(thread)
    this.#receiveWindows.set(thread, receiveWindow)
    return receiveWindow
  }

  /** What may be reserved for one thread. */
  get share(): number {
    return Math.floor(this.#limit / Math.max(1, this.#receiveWindows.size))
  }

  get #limit(): number {
    return this.#mailbox.capacity >> 1
  }

  /** Reserves room for a thread up to its share, as far as there is some, and returns what to tell it. */
  report(receiveWindow: ReceiveWindow): CreditReport {
    const { share } = this
    // What was given back because others need it is not reserved for the same thread again, before it sends.
    const credits = receiveWindow.gaveBack ? 0 : this.#mailbox.reserve(share - receiveWindow.reserved, this.#limit)
    return receiveWindow.report(credits, share, this.#mailbox.free)
  }

  /** Whether a thread should learn of room before any is taken: it has used half of what was reserved for it. */
  runsLow(receiveWindow: ReceiveWindow): boolean {
    return receiveWindow.reserved <= this.share >> 1
  }

  /** The threads that hold more than `keep`, and were not asked yet to give it back. Asks them once. */
  ask(keep: number): readonly ReceiveWindow[] {
    const asked = [...this.#receiveWindows.values()].filter((receiveWindow) => receiveWindow.reserved > keep && !receiveWindow.isAsked)
    for (const receiveWindow of asked) receiveWindow.isAsked = true
    return asked
  }

  /** What others may keep of what is reserved for them, where nothing is left to reserve for a thread that has nothing. */
  keptFrom(receiveWindow: ReceiveWindow): number | undefined {
    if (receiveWindow.reserved > 0 || this.#mailbox.reserved === 0) return undefined
    return this.#mailbox.free === 0 ? 0 : this.share
  }

  /** Threads that hold nothing, and would if there were room. */
  starved(): readonly ReceiveWindow[] {
    return [...this.#receiveWindows.values()].filter((receiveWindow) => receiveWindow.reserved === 0 && !receiveWindow.gaveBack)
  }

  /** A thread gives room back, as it was asked to. */
  giveBack(receiveWindow: ReceiveWindow, count: number): void {
    receiveWindow.gaveBack = receiveWindow.isAsked
    receiveWindow.isAsked = false
    this.#mailbox.release(receiveWindow.giveBack(count))
  }

  /** A sending thread is gone: the room that it had is for others. */
  remove(thread: number): void {
    const receiveWindow = this.#receiveWindows.get(thread)
    if (receiveWindow === undefined) return
    this.#receiveWindows.delete(thread)
    this.giveBack(receiveWindow, receiveWindow.reserved)
  }
}
