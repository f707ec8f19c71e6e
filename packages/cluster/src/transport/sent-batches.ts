/** The sending half of a session: batches are numbered, kept until they are acknowledged, and limited by a window. */
import { Deque } from '@troupe/core'
import { fullNumber } from './batch.ts'

/** A part of a body, with its number. */
export interface SentPart {
  readonly number: number
  readonly part: Uint8Array
  readonly hasMore: boolean
}

export interface SendLimits {
  /** Bytes that may be without acknowledgement. */
  readonly window: number
  /** Bytes of a body that fit into one batch. */
  readonly largestPart: number
}

/** Milliseconds without an acknowledgement, after which batches are sent again: at first, and at most. */
const patience = { first: 1_000, most: 8_000 }

export class SentBatches {
  readonly #limits: SendLimits
  readonly #waiting = new Deque<Omit<SentPart, 'number'>>()
  #kept: SentPart[] = []
  #keptBytes = 0
  #last = 0
  #patience = patience.first
  #repeatAt = Infinity

  constructor(limits: SendLimits) {
    this.#limits = limits
  }

  /** Whether the window is full. */
  get isFull(): boolean {
    return this.#waiting.size > 0
  }

  /** Whether something is not acknowledged. */
  get isPending(): boolean {
    return this.#kept.length > 0 || this.isFull
  }

  /** When what is not acknowledged is to be sent again. */
  get repeatAt(): number {
    return this.#repeatAt
  }

  /** Adds a body, cut into parts. */
  put(body: Uint8Array): void {
    const { largestPart } = this.#limits
    for (let at = 0; at < body.length; at += largestPart) {
      const end = at + largestPart
      this.#waiting.push({ part: body.subarray(at, end), hasMore: end < body.length })
    }
  }

  /** Takes what the window has room for. */
  take(now: number): readonly SentPart[] {
    const taken: SentPart[] = []
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      if (this.#keptBytes > 0 && this.#keptBytes + next.part.length > this.#limits.window) break
      this.#waiting.shift()
      this.#last += 1
      const sent = { ...next, number: this.#last }
      this.#kept.push(sent)
      this.#keptBytes += next.part.length
      taken.push(sent)
    }
    if (taken.length > 0 && this.#repeatAt === Infinity) this.#repeatAt = now + this.#patience
    return taken
  }

  /** All that is not acknowledged, to be sent once more. */
  repeat(now: number): readonly SentPart[] {
    this.#patience = Math.min(this.#patience * 2, patience.most)
    this.#repeatAt = this.#kept.length === 0 ? Infinity : now + this.#patience
    return this.#kept
  }

  /** The other node has taken everything up to this number. Returns false for a number that was never sent. */
  acknowledge(low: number, now: number): boolean {
    const number = fullNumber(this.#last, low)
    if (number > this.#last || number < 0) return false
    const first = this.#kept[0]?.number ?? this.#last + 1
    const count = number - first + 1
    if (count <= 0) return true
    for (const { part } of this.#kept.slice(0, count)) this.#keptBytes -= part.length
    this.#kept = this.#kept.slice(count)
    this.#patience = patience.first
    this.#repeatAt = this.#kept.length === 0 ? Infinity : now + this.#patience
    return true
  }
}
