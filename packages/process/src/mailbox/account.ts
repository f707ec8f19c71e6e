/**
 * The sender's side of the messages from this thread to one process in another: the room that it may use, and the letters that
 * were not reported as taken yet. Should the receiver die, they are what was lost.
 */
import { notFound, type Pid, type TroupeError } from '@troupe/core'
import type { FlowReport } from './flow.ts'
import { openingWindow } from './flow.ts'

/** A letter that was sent and not reported as taken. */
export interface Unacknowledged {
  readonly from: Pid
  readonly topic: string
}

interface Waiting {
  readonly letter: Unacknowledged
  readonly post: () => void
  readonly resolve: () => void
  readonly reject: (error: TroupeError) => void
}

const accepted = Promise.resolve()

export class Account {
  readonly pid: Pid
  #credits = openingWindow
  /** Set once the receiver's thread has answered: it lives, or lived. */
  #opened = false
  #closed: TroupeError | undefined
  /** Number of the first letter of `#sent`. */
  #head = 0
  #sent: (Unacknowledged | undefined)[] = []
  #opening: Waiting[] = []
  #blocked: Waiting[] = []

  constructor(pid: Pid) {
    this.pid = pid
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Sends if there is room now: `post` puts the letter on its way. */
  trySend(letter: Unacknowledged, post: () => void): boolean {
    if (this.#closed !== undefined || this.#credits === 0 || this.#blocked.length > 0) return false
    this.#post(letter, post)
    return true
  }

  /** Sends as soon as there is room. Settles when the receiver's thread is known to have accepted letters for that process. */
  send(letter: Unacknowledged, post: () => void): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (this.#credits === 0 || this.#blocked.length > 0) {
      return new Promise((resolve, reject) => {
        this.#blocked.push({ letter, post, resolve, reject })
      })
    }
    this.#post(letter, post)
    if (this.#opened) return accepted
    return new Promise((resolve, reject) => {
      this.#opening.push({ letter, post, resolve, reject })
    })
  }

  #post(letter: Unacknowledged, post: () => void): void {
    this.#credits -= 1
    this.#sent.push(letter)
    post()
  }

  /** The receiver's report: room comes back, letters were taken. */
  report(report: FlowReport): void {
    if (this.#closed !== undefined) return
    this.#opened = true
    this.#credits += report.credits
    this.#acknowledge(report)
    for (const opener of this.#opening.splice(0)) opener.resolve()
    while (this.#credits > 0 && this.#blocked.length > 0) {
      const next = this.#blocked.shift()
      if (next === undefined) return
      this.#post(next.letter, next.post)
      next.resolve()
    }
  }

  #acknowledge(report: FlowReport): void {
    if (report.head > this.#head) this.#sent.splice(0, report.head - this.#head)
    this.#head = Math.max(this.#head, report.head)
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
    const opening = this.#opening.splice(0)
    for (const waiting of [...opening, ...this.#blocked.splice(0)]) waiting.reject(this.#closed)
    const told = new Set(opening.map((waiting) => waiting.letter))
    return this.#sent
      .splice(0)
      .filter((letter) => letter !== undefined)
      .filter((letter) => !told.has(letter))
  }
}
