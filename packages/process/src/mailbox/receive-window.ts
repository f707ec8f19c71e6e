/**
 * The receiver's side of the messages from one thread to one process: what arrived, what was taken, and the room that is reserved for the
 * senders in that thread. The sender keeps every message until it hears here that it was taken, so that nothing is lost in silence.
 */

/** Messages without reserved room that a thread may have under way to a process: they wait there for room. */
export const openingWindow = 16

/** Messages that a thread may try (`trySend`) before it has learned of the room at the receiver. */
export const firstTries = 4

/**
 * How a message comes: `held` has room that was reserved for its thread; `open` waits at the receiver for room, and its sender for the report;
 * `try` is lost, as a dead letter, where there is no room.
 */
export type CreditKind = 'held' | 'open' | 'try'

/** What the sender is told. */
export interface CreditReport {
  /** Room to add to what is reserved for the sender's thread. */
  readonly credits: number
  /** The thread's share of the room that may be reserved; 0 when it holds no room now: its messages wait at the receiver then. */
  readonly window: number
  /** Messages that may be tried. */
  readonly room: number
  /** All messages below this number were taken. */
  readonly head: number
  /** Messages at or above `head` that were taken out of their turn. */
  readonly others: readonly number[]
  /** How many messages have arrived. */
  readonly arrived: number
  /** Those of them that wait for room. */
  readonly waiting: readonly number[]
}

export class ReceiveWindow {
  /** Number of the thread that sends. */
  readonly thread: number
  /** Set while a report is due. */
  due = false
  /** Set while the thread is asked to give reserved room back. */
  isAsked = false
  /** Set from when it has given room back until its next message. */
  gaveBack = false
  #arrived = 0
  #head = 0
  readonly #others = new Set<number>()
  readonly #waiting = new Set<number>()
  #reserved = 0
  /** Reserved room, and the room of messages in the mailbox. */
  #held = 0
  #freed = 0

  constructor(thread: number) {
    this.thread = thread
  }

  /** Room that was freed and not reported yet. */
  get freed(): number {
    return this.#freed
  }

  /** Room that the thread may still use. */
  get reserved(): number {
    return this.#reserved
  }

  /** Counts a message in and returns its number. */
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

  /** A message waits for room. */
  wait(sequence: number): void {
    this.#waiting.add(sequence)
  }

  /** The mailbox has accepted a message. */
  admit(sequence: number): void {
    this.#held += 1
    if (this.#waiting.size > 0) this.#waiting.delete(sequence)
  }

  /** The mailbox has accepted a message in room that was reserved. */
  admitHeld(): void {
    this.#reserved -= 1
  }

  /** The message no longer holds room. */
  free(): void {
    this.#held -= 1
    this.#freed += 1
  }

  /** The message is the receiver's now. */
  taken(sequence: number): void {
    if (sequence !== this.#head) {
      this.#others.add(sequence)
      return
    }
    this.#head += 1
    while (this.#others.size > 0 && this.#others.delete(this.#head)) this.#head += 1
  }

  /** The thread gives reserved room back; returns how much it was. */
  giveBack(count: number): number {
    const given = Math.min(Math.max(0, count), this.#reserved)
    this.#reserved -= given
    this.#held -= given
    return given
  }

  /** What to tell the sender. @param credits Room that was reserved for it just now. */
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

  /** Messages that came here. When the receiver ends, those of them that it did not take are told here, all later ones at the sender. */
  get arrived(): number {
    return this.#arrived
  }
}

const none: readonly number[] = []
