/**
 * The sender's side of the messages from this thread to one process in another: the room that it may use, and the letters that
 * were not reported as taken yet. Should the receiver die, they are what was lost.
 */
import { notFound, type Pid, startTimer, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Channel } from './channel.ts'
import { Deque } from './deque.ts'
import type { FlowReport } from './flow.ts'
import { openingWindow } from './flow.ts'

/** A letter that was sent and not reported as taken. Calls are not among them: who calls is told otherwise. */
export interface Unacknowledged {
  readonly from: Pid
  readonly topic: string
}

/** A sender of one of the first letters, which waits for the receiver to accept it. */
interface Opening {
  readonly number: number
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

/** A letter that waits for room. */
export interface Blocked extends Unacknowledged {
  readonly isCall: boolean
  /** Whether it is not to be sent any more. */
  readonly held: { readonly withdrawn: boolean }
  readonly post: () => void
}

interface Sender extends Blocked {
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

/** Letters that may be tried (`trySend`) before the receiver has said what room it has. */
const firstTries = 4

/** Milliseconds for which a little room is left to gather. */
const gatheringTime = 20

export class Account {
  readonly pid: Pid
  /** The way to the receiver. */
  readonly channel: Channel
  #credits = openingWindow
  /** The room that the receiver said it has for this thread; before that, what is tried without knowing. */
  #window = firstTries
  /** Set once the receiver's thread has answered: it lives, or lived. */
  #opened = false
  #closed: TroupeError | undefined
  /** Number of the first letter of `#sent`. */
  #head = 0
  #sent: (Unacknowledged | undefined)[] = []
  #last: Unacknowledged | undefined
  readonly #opening: Opening[] = []
  readonly #blocked = new Deque<Sender>()
  /** Runs while room gathers for those who wait. */
  #gathering: Timer | undefined

  constructor(pid: Pid, channel: Channel) {
    this.pid = pid
    this.channel = channel
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Whether letters were sent that are not known to be taken. */
  get hasUnacknowledged(): boolean {
    return this.#sent.length > 0
  }

  /** Takes room for one letter, if there is some now; the caller posts it then. @param isTry It must not wait for room over there. */
  take(from: Pid, topic: string, isCall: boolean, isTry = false): boolean {
    if (this.#credits === 0 || this.#closed !== undefined || this.#blocked.size > 0) return false
    if (isTry && this.#next < openingWindow && this.#next >= this.#window) return false
    this.#note(from, topic, isCall)
    return true
  }

  /** Number of the next letter. */
  get #next(): number {
    return this.#head + this.#sent.length
  }

  /** After {@link take}: whether the receiver had room for the letter. The first ones are sent before anything is known of that. */
  get hadRoom(): boolean {
    return this.#next > openingWindow
  }

  /** After {@link take}: settles when the receiver's mailbox is known to have accepted the letter. */
  accepted(): Promise<void> {
    const number = this.#next - 1
    return new Promise((resolve, reject) => {
      this.#opening.push({ number, resolve, reject })
    })
  }

  /** Posts a letter as soon as there is room. */
  sendLater(letter: Blocked): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#blocked.push({ ...letter, resolve, reject })
    })
  }

  #note(from: Pid, topic: string, isCall: boolean): void {
    this.#credits -= 1
    if (isCall) {
      this.#sent.push(undefined)
      return
    }
    if (this.#last === undefined || this.#last.from !== from || this.#last.topic !== topic) this.#last = { from, topic }
    this.#sent.push(this.#last)
  }

  /** The receiver's report: room comes back, letters were taken. */
  report(report: FlowReport): void {
    if (this.#closed !== undefined) return
    const isFirst = !this.#opened
    this.#opened = true
    this.#credits += report.credits
    this.#acknowledge(report)
    this.#window = report.window
    this.#settle(report.admitted)
    if (this.#credits === 0 || this.#blocked.size === 0) return
    if (!isFirst && this.#isTrickle(report)) this.#gathering ??= startTimer(this.#release, gatheringTime).unref()
    else this.#release()
  }

  /** The mailbox has accepted so many letters. */
  #settle(admitted: number): void {
    while ((this.#opening[0]?.number ?? admitted) < admitted) this.#opening.shift()?.resolve()
  }

  readonly #release = () => {
    stopTimer(this.#gathering)
    this.#gathering = undefined
    while (this.#credits > 0) {
      const next = this.#blocked.shift()
      if (next === undefined) return
      if (next.held.withdrawn) continue
      this.#note(next.from, next.topic, next.isCall)
      next.post()
      next.resolve()
    }
  }

  /**
   * Whether the room is too little to wake who waits for it. Room that came back letter by letter would be used letter by letter, for ever
   * (the silly window syndrome, RFC 813): it is left to gather to a quarter of the window, but not for long: what the receiver waits for
   * before it takes more may be the very letter that waits here.
   */
  #isTrickle({ window }: FlowReport): boolean {
    return this.#credits < Math.floor(window / 4)
  }

  #acknowledge(report: FlowReport): void {
    if (report.head > this.#head) {
      this.#sent = this.#sent.slice(report.head - this.#head)
      this.#head = report.head
    }
    for (const number of report.others) this.#sent[number - this.#head] = undefined
  }

  /**
   * The receiver is dead: of the letters that came to its thread, as far as it could still count them, that thread tells what became of them.
   * Answers the others; those whose senders still wait are rejected instead. An account is closed once; later calls answer nothing.
   */
  close(arrived: number, reason: string): Unacknowledged[] {
    return this.closeWith(arrived, notFound(`process ${this.pid} is not there: ${reason}`, { pid: this.pid }))
  }

  /** Like {@link close}, with the error for those who wait. */
  closeWith(arrived: number, error: TroupeError): Unacknowledged[] {
    if (this.#closed !== undefined) return []
    this.#closed = error
    const told = new Set<number>()
    for (const { number, resolve, reject } of this.#opening.splice(0)) {
      if (number < arrived) resolve()
      else reject(this.#closed)
      told.add(number)
    }
    stopTimer(this.#gathering)
    for (const blocked of this.#blocked.drain()) blocked.reject(this.#closed)
    const head = this.#head
    return this.#sent
      .splice(0)
      .filter((_, index) => head + index >= arrived && !told.has(head + index))
      .filter((letter) => letter !== undefined)
  }
}
