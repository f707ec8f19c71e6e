/**
 * Mailbox room that is reserved for sending threads, so that their senders need not wait for each message to be
 * accepted. At most half of the mailbox is reserved and unused at a time: the rest is for senders of the same thread,
 * and for messages without a reservation. A thread that holds a reservation and never returns to its event loop
 * therefore blocks no other sender.
 */
/**
 * Maximum number of messages without reserved room that a thread may have in flight to a process. They wait there for
 * room.
 */
export const openingWindow = 16

/** Number of messages that a thread may try (`trySend`) before it knows the receiver's free room. */
export const firstTries = 4

/**
 * How a message is sent. `held`: it has room that was reserved for its thread. `open`: it waits at the receiver for
 * room, and its sender waits for the report. `try`: where there is no room, it is lost as a dead letter.
 */
export type CreditKind = 'held' | 'open' | 'try'

/** The report to the sender. */
export interface CreditReport {
  /** Room to add to what is reserved for the sender's thread. */
  readonly credits: number
  /**
   * The thread's share of the room that can be reserved. 0 when it currently holds no room: its messages then wait at
   * the receiver.
   */
  readonly window: number
  /** Number of messages that may be tried. */
  readonly room: number
  /** All messages below this number were taken. */
  readonly head: number
  /** Messages at or above `head` that were taken out of order. */
  readonly others: readonly number[]
  /** Number of messages that have arrived. */
  readonly arrived: number
  /** Those of them that wait for room. */
  readonly waiting: readonly number[]
}

/**
 * The receiver's side of the messages from one thread to one process: which messages arrived, which were taken, and the
 * room that is reserved for the senders in that thread. The sender keeps every message until this side reports that it
 * was taken, so that nothing is lost silently.
 */
export class ReceiveWindow {
  /** Number of the sending thread. */
  readonly thread: number
  /** Set while a report is due. */
  due = false
  /** Set while a request to give back reserved room is pending. */
  isAsked = false
  /** Set after it has given room back, until its next message. */
  gaveBack = false
  #arrived = 0
  #head = 0
  readonly #others = new Set<number>()
  readonly #waiting = new Set<number>()
  #reserved = 0
  /** Reserved room, plus the room of messages in the mailbox. */
  #held = 0
  #freed = 0

  constructor(thread: number) {
    this.thread = thread
  }

  /** Room that was freed and not yet reported. */
  get freed(): number {
    return this.#freed
  }

  /** Room that the thread may still use. */
  get reserved(): number {
    return this.#reserved
  }

  /** Counts a message that has arrived, and returns its number. */
  arrive(): number {
    const sequence = this.#arrived
    this.#arrived += 1
    this.gaveBack = false
    return sequence
  }

  /** Messages that wait for room. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Notes that a message waits for room. */
  wait(sequence: number): void {
    this.#waiting.add(sequence)
  }

  /** The mailbox has accepted a message. */
  admit(sequence: number): void {
    this.#held += 1
    if (this.#waiting.size > 0) this.#waiting.delete(sequence)
  }

  /** The mailbox has accepted a message in reserved room. */
  admitHeld(): void {
    this.#reserved -= 1
  }

  /** The message no longer holds room. */
  free(): void {
    this.#held -= 1
    this.#freed += 1
  }

  /** The receiver has taken the message. */
  taken(sequence: number): void {
    if (sequence !== this.#head) {
      this.#others.add(sequence)
      return
    }
    this.#head += 1
    while (this.#others.size > 0 && this.#others.delete(this.#head)) this.#head += 1
  }

  /** The thread gives back reserved room; returns how much was accepted. */
  giveBack(count: number): number {
    const given = Math.min(Math.max(0, count), this.#reserved)
    this.#reserved -= given
    this.#held -= given
    return given
  }

  /** Returns the report for the sender. @param credits Room that was just reserved for it. */
  report(credits: number, share: number, room: number): CreditReport {
    this.#reserved += credits
    this.#held += credits
    this.#freed = 0
    this.due = false
    return {
      credits,
      window: this.#held === 0 ? 0 : share,
      room: Math.min(room, firstTries),
      head: this.#head,
      others: this.#others.size === 0 ? none : [...this.#others],
      arrived: this.#arrived,
      waiting: this.#waiting.size === 0 ? none : [...this.#waiting],
    }
  }

  /**
   * Number of messages that arrived here. When the receiver ends, this side reports those of them that it did not take;
   * the sender reports all later ones.
   */
  get arrived(): number {
    return this.#arrived
  }
}

const none: readonly number[] = []

/** The part of a mailbox that reserves room. */
interface Room {
  readonly capacity: number
  /** Room that is reserved. */
  readonly reserved: number
  /** Room that is neither used nor reserved. */
  readonly free: number
  /** Reserves room for `count` messages, or as much as there is, up to `limit` in total. */
  reserve(count: number, limit: number): number
  release(count: number): void
}

export class Reservations {
  readonly #mailbox: Room
  readonly #receiveWindows = new Map<number, ReceiveWindow>()
  #share = 0

  constructor(mailbox: Room) {
    this.#mailbox = mailbox
    this.#divide()
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
    this.#divide()
    return receiveWindow
  }

  /** The room that can be reserved for one thread. */
  get share(): number {
    return this.#share
  }

  #divide(): void {
    this.#share = Math.floor(this.#limit / Math.max(1, this.#receiveWindows.size))
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
    const asked = [...this.#receiveWindows.values()].filter(
      (receiveWindow) => receiveWindow.reserved > keep && !receiveWindow.isAsked,
    )
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
    return [...this.#receiveWindows.values()].filter(
      (receiveWindow) => receiveWindow.reserved === 0 && !receiveWindow.gaveBack,
    )
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
    this.#divide()
    this.giveBack(receiveWindow, receiveWindow.reserved)
  }
}
