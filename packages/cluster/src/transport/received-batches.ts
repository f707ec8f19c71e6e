/** The receiving half of a session: batches are taken once, in order, and acknowledged. */
import { type Batch, fullNumber } from './batch.ts'

export interface ReceiveLimits {
  /** Bytes that may be without acknowledgement. */
  readonly window: number
  /** Bytes of the largest body. */
  readonly largestBody: number
}

/** What became of a batch: `wrong` contains why it cannot be taken. */
export type Received =
  | { readonly type: 'taken'; readonly body?: Uint8Array<ArrayBuffer> }
  | { readonly type: 'known' | 'gap' }
  | { readonly type: 'wrong'; readonly why: string }

/** Milliseconds that an acknowledgement may wait for a batch that carries it. */
const gathering = 10

export class ReceivedBatches {
  readonly #limits: ReceiveLimits
  #last = 0
  #acknowledged = 0
  #unreported = 0
  #parts: Uint8Array[] = []
  #partBytes = 0
  #reportAt = Infinity
  #isHeld = false

  constructor(limits: ReceiveLimits) {
    this.#limits = limits
  }

  /** The last batch that may be acknowledged. */
  get ack(): number {
    return this.#acknowledged
  }

  /** When an acknowledgement is due at the latest. */
  get reportAt(): number {
    return this.#reportAt
  }

  /** While it is held, nothing more is acknowledged: so the other node stops to send when its window is full. */
  hold(isHeld: boolean, now: number): void {
    this.#isHeld = isHeld
    if (isHeld || this.#acknowledged === this.#last) return
    this.#acknowledged = this.#last
    this.#reportAt = now
  }

  /** An acknowledgement was sent. */
  reported(): void {
    this.#reportAt = Infinity
    this.#unreported = 0
  }

  take({ number: low, body, hasMore }: Batch, now: number): Received {
    const number = fullNumber(this.#last, low)
    if (number <= this.#last) {
      this.#reportAt = Math.min(this.#reportAt, now + gathering)
      return { type: 'known' }
    }
    if (number > this.#last + 1) return { type: 'gap' }
    this.#partBytes += body.length
    if (this.#partBytes > this.#limits.largestBody)
      return { type: 'wrong', why: `its body has more than ${this.#limits.largestBody} bytes` }
    this.#last = number
    // The bytes belong to the buffer of the connection.
    this.#parts.push(body.slice())
    this.#unreported += body.length
    if (!this.#isHeld) {
      this.#acknowledged = number
      const isMuch = this.#unreported >= this.#limits.window / 4
      this.#reportAt = Math.min(this.#reportAt, isMuch ? now : now + gathering)
    }
    return hasMore ? { type: 'taken' } : { type: 'taken', body: this.#whole() }
  }

  #whole(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#partBytes)
    let at = 0
    for (const part of this.#parts) {
      whole.set(part, at)
      at += part.length
    }
    this.#parts = []
    this.#partBytes = 0
    return whole
  }
}
