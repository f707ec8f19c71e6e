/**
 * The sender's side of the messages from this thread to one process in another: the room that it may use, and the letters that
 * were not reported as taken yet. Should the receiver die, they are what was lost.
 */
import { notFound, type Pid, type TroupeError } from '@troupe/core'
import type { Channel } from './channel.ts'
import type { FlowReport } from './flow.ts'
import { openingWindow } from './flow.ts'

/** A letter that was sent and not reported as taken. */
export interface Unacknowledged {
  readonly from: Pid
  readonly topic: string
}

/** Who waits for the receiver's thread to answer for the first time. */
interface Opening {
  readonly number: number
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

/** A letter that waits for room. */
interface Blocked extends Unacknowledged {
  readonly post: () => void
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

const accepted = Promise.resolve()

export class Account {
  readonly pid: Pid
  /** The way to the receiver. */
  readonly channel: Channel
  #credits = openingWindow
  /** Set once the receiver's thread has answered: it lives, or lived. */
  #opened = false
  #closed: TroupeError | undefined
  /** Number of the first letter of `#sent`. */
  #head = 0
  #sent: (Unacknowledged | undefined)[] = []
  #last: Unacknowledged | undefined
  readonly #opening: Opening[] = []
  readonly #blocked: Blocked[] = []

  constructor(pid: Pid, channel: Channel) {
    this.pid = pid
    this.channel = channel
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Takes room for one letter, if there is some now; the caller posts it then. */
  take(from: Pid, topic: string): boolean {
    if (this.#credits === 0 || this.#closed !== undefined || this.#blocked.length > 0) return false
    this.#note(from, topic)
    return true
  }

  /** Posts a letter as soon as there is room. Settles when the receiver's thread is known to have accepted letters for that process. */
  send(from: Pid, topic: string, post: () => void): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (!this.take(from, topic)) {
      return new Promise((resolve, reject) => {
        this.#blocked.push({ from, topic, post, resolve, reject })
      })
    }
    post()
    if (this.#opened) return accepted
    const number = this.#head + this.#sent.length - 1
    return new Promise((resolve, reject) => {
      this.#opening.push({ number, resolve, reject })
    })
  }

  #note(from: Pid, topic: string): void {
    this.#credits -= 1
    if (this.#last === undefined || this.#last.from !== from || this.#last.topic !== topic) this.#last = { from, topic }
    this.#sent.push(this.#last)
  }

  /** The receiver's report: room comes back, letters were taken. */
  report(report: FlowReport): void {
    if (this.#closed !== undefined) return
    this.#opened = true
    this.#credits += report.credits
    this.#acknowledge(report)
    for (const opening of this.#opening.splice(0)) opening.resolve()
    while (this.#credits > 0 && this.#blocked.length > 0) {
      const next = this.#blocked.shift()
      if (next === undefined) return
      this.#note(next.from, next.topic)
      next.post()
      next.resolve()
    }
  }

  #acknowledge(report: FlowReport): void {
    if (report.head > this.#head) {
      this.#sent = this.#sent.slice(report.head - this.#head)
      this.#head = report.head
    }
    for (const number of report.others) this.#sent[number - this.#head] = undefined
  }

  /**
   * The receiver is dead. Answers the letters that were accepted and not taken; those whose senders still wait are rejected instead.
   * An account is closed once; later calls answer nothing.
   */
  close(last: FlowReport | undefined, reason: string): Unacknowledged[] {
    if (this.#closed !== undefined) return []
    if (last !== undefined) this.#acknowledge(last)
    this.#closed = notFound(`process ${this.pid} is not there: ${reason}`, { pid: this.pid })
    const told = new Set<number>()
    for (const opening of this.#opening.splice(0)) {
      told.add(opening.number - this.#head)
      opening.reject(this.#closed)
    }
    for (const blocked of this.#blocked.splice(0)) blocked.reject(this.#closed)
    return this.#sent.splice(0).flatMap((letter, index) => (letter === undefined || told.has(index) ? [] : [letter]))
  }
}
