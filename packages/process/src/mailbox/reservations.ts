/**
 * Mailbox room that is reserved for sending threads, so that their senders need not wait for each message to be
 * accepted. At most half of the mailbox is reserved and unused at a time: the rest is for senders of the same thread,
 * and for messages without a reservation. A thread that holds a reservation and never returns to its event loop
 * therefore blocks no other sender.
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

  /** The receive window of a sending thread. */
  receiveWindow(thread: number): ReceiveWindow {
    const known = this.#receiveWindows.get(thread)
    if (known !== undefined) return known
    const receiveWindow = new ReceiveWindow(thread)
    this.#receiveWindows.set(thread, receiveWindow)
    return receiveWindow
  }

  /** The room that can be reserved for one thread. */
  get share(): number {
    return Math.floor(this.#limit / Math.max(1, this.#receiveWindows.size))
  }

  get #limit(): number {
    return this.#mailbox.capacity >> 1
  }

  /** Reserves room for a thread up to its share, as far as room is free, and returns the report for it. */
  report(receiveWindow: ReceiveWindow): CreditReport {
    const { share } = this
    // Room that was given back because other threads need it is not reserved for the same thread again until it sends.
    const credits = receiveWindow.gaveBack ? 0 : this.#mailbox.reserve(share - receiveWindow.reserved, this.#limit)
    return receiveWindow.report(credits, share, this.#mailbox.free)
  }

  /** Whether to report room to a thread before any message is taken: it has used half of its reserved room. */
  runsLow(receiveWindow: ReceiveWindow): boolean {
    return receiveWindow.reserved <= this.share >> 1
  }

  /** Returns the threads that hold more than `keep` and were not yet asked to give it back. Asks each of them once. */
  ask(keep: number): readonly ReceiveWindow[] {
    const asked = [...this.#receiveWindows.values()].filter((receiveWindow) => receiveWindow.reserved > keep && !receiveWindow.isAsked)
    for (const receiveWindow of asked) receiveWindow.isAsked = true
    return asked
  }

  /**
   * How much reserved room the other threads may keep, when nothing is left to reserve for a thread that holds none.
   */
  keptFrom(receiveWindow: ReceiveWindow): number | undefined {
    if (receiveWindow.reserved > 0 || this.#mailbox.reserved === 0) return undefined
    return this.#mailbox.free === 0 ? 0 : this.share
  }

  /** Threads that hold no room, and would get some if there were any. */
  starved(): readonly ReceiveWindow[] {
    return [...this.#receiveWindows.values()].filter((receiveWindow) => receiveWindow.reserved === 0 && !receiveWindow.gaveBack)
  }

  /** A thread gives room back, as requested. */
  giveBack(receiveWindow: ReceiveWindow, count: number): void {
    receiveWindow.gaveBack = receiveWindow.isAsked
    receiveWindow.isAsked = false
    this.#mailbox.release(receiveWindow.giveBack(count))
  }

  /** A sending thread has ended: its room is free for others. */
  remove(thread: number): void {
    const receiveWindow = this.#receiveWindows.get(thread)
    if (receiveWindow === undefined) return
    this.#receiveWindows.delete(thread)
    this.giveBack(receiveWindow, receiveWindow.reserved)
  }
}
