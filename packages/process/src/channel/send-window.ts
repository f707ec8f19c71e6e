/**
 * The sender's side of the messages from this thread to one process in another thread: the room that it may use, and
 * the messages that were not yet reported as taken. If the receiver dies, these are lost.
 */
import { Deque, notFound, type Pid, startTimer, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import { type CreditKind, firstTries, type CreditReport, openingWindow } from '../mailbox/reservations.ts'

/**
 * A message that was sent and not yet reported as taken. Excludes calls, because their callers are notified separately.
 */
export interface Unacknowledged {
  readonly from: Pid
  readonly topic: string
}

/** A sender of a message without reserved room. It waits for the receiver to accept the message. */
interface Opening {
  readonly number: number
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

/** A message that waits for room, with its sender. */
export interface Blocked extends Unacknowledged {
  readonly isCall: boolean
  /** Whether the message was withdrawn and must not be sent. */
  readonly held: { readonly withdrawn: boolean }
  readonly post: (claim: CreditKind) => void
}

/** The message was posted. */
export interface Posted {
  /** Settles when the receiver's mailbox is known to have accepted it; `undefined` where there was room for it. */
  readonly accepted: Promise<void> | undefined
}

interface Sender extends Blocked {
  readonly resolve: (posted: Posted) => void
  readonly reject: (error: TroupeError) => void
}

/** Milliseconds for which a small amount of room is left to accumulate. */
const gatheringTime = 20

export class SendWindow<Through> {
  readonly pid: Pid
  /** The channel to the receiver. */
  readonly channel: Through
  /** Room that the receiver has reserved for this thread. */
  #credits = 0
  /** This thread's share of the room that can be reserved; 0 when it holds no room at the receiver. */
  #window = 0
  /** Messages that may be tried before the next report. */
  #tries = firstTries
  /** Number of the last tried message, plus one. */
  #tried = 0
  /** Set while a query for the receiver's free room is pending. */
  #asks = false
  #closed: TroupeError | undefined
  /** Number of the first message of `#sent`. */
  #head = 0
  #sent: (Unacknowledged | undefined)[] = []
  #last: Unacknowledged | undefined
  readonly #opening: Opening[] = []
  readonly #blocked = new Deque<Sender>()
  /** Runs while room accumulates for blocked messages. */
  #gathering: Timer | undefined

  constructor(pid: Pid, channel: Through) {
    this.pid = pid
    this.channel = channel
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Whether messages were sent that are not known to be taken. */
  get hasUnacknowledged(): boolean {
    return this.#sent.length > 0
  }

  /**
   * Takes room for one message: reserved room, or a place in the receiver's queue of waiting messages. Returns
   * `undefined` when the message must wait here. The caller posts it.
   */
  reserve(from: Pid, topic: string, isCall: boolean): CreditKind | undefined {
    if (this.#closed !== undefined || this.#blocked.size > 0) return undefined
    const claim = this.#claim()
    if (claim !== undefined) this.#note(from, topic, isCall)
    return claim
  }

  /**
   * Like {@link reserve}, for a message that must not wait. Without reserved room, the message is tried if the receiver
   * had room at its last report.
   *
   * @returns `ask` when the receiver is to be asked for its free room.
   */
  tryReserve(from: Pid, topic: string): CreditKind | 'ask' | undefined {
    if (this.#closed !== undefined || this.#blocked.size > 0) return undefined
    const inOrder = this.#opening.length === 0
    if (inOrder && this.#credits > 0) {
      this.#credits -= 1
      this.#note(from, topic, false)
      return 'held'
    }
    if (inOrder && this.#window > 0) return undefined
    if (this.#tries > 0) {
      this.#tries -= 1
      this.#note(from, topic, false)
      this.#tried = this.#next
      return 'try'
    }
    if (this.#asks) return undefined
    this.#asks = true
    return 'ask'
  }

  /** Messages keep their order: none uses reserved room while an earlier one may wait at the receiver. */
  #claim(): CreditKind | undefined {
    if (this.#credits > 0) {
      if (this.#opening.length > 0) return undefined
      this.#credits -= 1
      return 'held'
    }
    if (this.#opening.length === 0 ? this.#window > 0 : this.#opening.length >= openingWindow) return undefined
    return 'open'
  }

  /** Number of the next message. */
  get #next(): number {
    return this.#head + this.#sent.length
  }

  /** After {@link reserve} of an `open` message: settles when the receiver's mailbox is known to have accepted it. */
  accepted(): Promise<void> {
    const number = this.#next - 1
    return new Promise((resolve, reject) => {
      this.#opening.push({ number, resolve, reject })
    })
  }

  /**
   * Gives back the reserved room beyond `keep`, and returns the amount: all of it when no more messages are being sent.
   */
  giveBack(keep: number): number {
    if (this.#closed !== undefined) return Number.MAX_SAFE_INTEGER
    const given = Math.max(0, this.#credits - keep)
    this.#credits -= given
    return given
  }

  /** Posts a message as soon as there is room. */
  sendLater(envelope: Blocked): Promise<Posted> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#blocked.push({ ...envelope, resolve, reject })
    })
  }

  #note(from: Pid, topic: string, isCall: boolean): void {
    if (isCall) {
      this.#sent.push(undefined)
      return
    }
    if (this.#last === undefined || this.#last.from !== from || this.#last.topic !== topic) this.#last = { from, topic }
    this.#sent.push(this.#last)
  }

  /** Applies the receiver's report: room is returned, messages were taken. */
  report(report: CreditReport): void {
    if (this.#closed !== undefined) return
    this.#asks = false
    this.#credits += report.credits
    this.#acknowledge(report)
    this.#window = report.window
    if (report.arrived >= this.#tried) this.#tries = report.room
    this.#settle(report)
    if (this.#blocked.size === 0) return
    if (this.#opening.length === 0 && this.#isTrickle())
      this.#gathering ??= startTimer(this.#release, gatheringTime).unref()
    else this.#release()
  }

  /** The mailbox has accepted everything that has arrived, except for the messages that wait. */
  #settle({ arrived, waiting }: CreditReport): void {
    if (this.#opening.length === 0) return
    for (const opening of this.#opening.splice(0)) {
      if (opening.number < arrived && !waiting.includes(opening.number)) opening.resolve()
      else this.#opening.push(opening)
    }
  }

  readonly #release = () => {
    stopTimer(this.#gathering)
    this.#gathering = undefined
    for (;;) {
      while (this.#blocked.first?.held.withdrawn === true) this.#blocked.shift()
      const next = this.#blocked.first
      const claim = next === undefined ? undefined : this.#claim()
      if (next === undefined || claim === undefined) return
      this.#blocked.shift()
      this.#note(next.from, next.topic, next.isCall)
      next.post(claim)
      next.resolve({ accepted: claim === 'open' ? this.accepted() : undefined })
    }
  }

  /**
   * Whether the room is too small to wake blocked senders. Room that came back message by message would be used message
   * by message, forever (the silly window syndrome, RFC 813). So room accumulates up to a quarter of the window, but
   * not for long: the receiver may be waiting for exactly the message that waits here.
   */
  #isTrickle(): boolean {
    return this.#credits < this.#window >> 2
  }

  #acknowledge(report: CreditReport): void {
    if (report.head > this.#head) {
      this.#sent = this.#sent.slice(report.head - this.#head)
      this.#head = report.head
    }
    for (const number of report.others) this.#sent[number - this.#head] = undefined
  }

  /**
   * Closes the window because the receiver is dead. The receiver's thread reports the outcome of the messages that
   * reached it, as far as it could still count them. Returns the other messages; those whose senders still wait are
   * rejected instead. A send window is closed once; later calls return an empty list.
   */
  close(arrived: number, reason: string): Unacknowledged[] {
    return this.closeWith(arrived, notFound(`process ${this.pid} does not exist: ${reason}`, { pid: this.pid }))
  }

  /** Like {@link close}, when it is unknown which messages have arrived. */
  closeUncertain(reason: string): Unacknowledged[] {
    const words = `process ${this.pid} does not exist: ${reason}`
    const details = { pid: this.pid }
    return this.closeWith(0, notFound(words, details), notFound(words, { ...details, mayHaveArrived: true }))
  }

  /**
   * Like {@link close}, with the error for blocked senders.
   *
   * @param open - The error for senders whose messages were already posted.
   */
  closeWith(arrived: number, error: TroupeError, open = error): Unacknowledged[] {
    if (this.#closed !== undefined) return []
    this.#closed = error
    const listed = new Set<number>()
    for (const { number, resolve, reject } of this.#opening.splice(0)) {
      if (number < arrived) resolve()
      else reject(open)
      listed.add(number)
    }
    stopTimer(this.#gathering)
    for (const blocked of this.#blocked.drain()) blocked.reject(this.#closed)
    const head = this.#head
    return this.#sent
      .splice(0)
      .filter((_, index) => head + index >= arrived && !listed.has(head + index))
      .filter((envelope) => envelope !== undefined)
  }
}
