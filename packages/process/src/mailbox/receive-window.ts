/**
 * The receiver's side of the messages from one thread to one process: which messages arrived, which were taken, and the
 * room that is reserved for the senders in that thread. The sender keeps every message until this side reports that it
 * was taken, so that nothing is lost silently.
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
