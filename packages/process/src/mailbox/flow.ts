/**
 * The receiver's side of the messages from one thread to one process: what was taken, and how much room the senders in that
 * thread may use. The sender keeps every letter until it hears here that it was taken, so that nothing is lost in silence.
 */

/** Letters that a thread may send to a process before it has heard anything back. They may find no room, and wait for it there. */
export const openingWindow = 16

/** What the sender is told. */
export interface FlowReport {
  /** Room to add to what the sender has. */
  readonly credits: number
  /** All the room that it has now: what it may still use, what is under way, and what waits in the mailbox. */
  readonly window: number
  /** All letters below this number were taken. */
  readonly head: number
  /** Letters at or above `head` that were taken out of their turn. */
  readonly others: readonly number[]
  /** How many letters the mailbox has accepted. */
  readonly admitted: number
}

export class Flow {
  /** Number of the thread that sends. */
  readonly thread: number
  /** Set while a report is due. */
  due = false
  #arrived = 0
  #admitted = 0
  #head = 0
  readonly #others = new Set<number>()
  /** Letters that the sender may still send, or that arrived and hold room. */
  #outstanding = openingWindow
  #freed = 0

  constructor(thread: number) {
    this.thread = thread
  }

  /** Room that was freed and not reported yet. */
  get freed(): number {
    return this.#freed
  }

  /** Counts a letter in and answers its number. */
  arrive(): number {
    const sequence = this.#arrived
    this.#arrived += 1
    return sequence
  }

  /** The mailbox has accepted a letter, in which it found room. */
  admit(): void {
    this.#admitted += 1
  }

  /** The letter no longer holds room. */
  free(): void {
    this.#outstanding -= 1
    this.#freed += 1
  }

  /** The letter is the receiver's now. */
  taken(sequence: number): void {
    if (sequence !== this.#head) {
      this.#others.add(sequence)
      return
    }
    this.#head += 1
    while (this.#others.size > 0 && this.#others.delete(this.#head)) this.#head += 1
  }

  /** What to tell the sender: its room is brought back to `window`. */
  report(window: number): FlowReport {
    const credits = Math.max(0, window - this.#outstanding)
    this.#outstanding += credits
    this.#freed = 0
    this.due = false
    return { credits, window, head: this.#head, others: this.#others.size === 0 ? none : [...this.#others], admitted: this.#admitted }
  }

  /** Letters that came here. When the receiver ends, those of them that it did not take are told here, all later ones at the sender. */
  get arrived(): number {
    return this.#arrived
  }
}

const none: readonly number[] = []
