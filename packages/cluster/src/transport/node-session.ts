/**
 * What two incarnations of nodes send each other, as a pure state machine: bodies arrive once, in order, and none is
 * lost while both live, also when batches are lost, doubled or reordered. A batch that cannot be read ends what was
 * under way at both ends, with a new session.
 */
import { type Batch, decodeBatch, encodeBatch } from './batch.ts'
import { ReceivedBatches, type ReceiveLimits } from './received-batches.ts'
import { SentBatches, type SendLimits, type SentPart } from './sent-batches.ts'

export interface NodeSessionOptions extends SendLimits, ReceiveLimits {
  /** Identifies the two incarnations: 48 bits. */
  readonly pair: bigint
}

export type SessionEffect =
  /** Publish these bytes. */
  | { readonly type: 'publish'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A body arrived. */
  | { readonly type: 'body'; readonly body: Uint8Array<ArrayBuffer> }
  /** All that was under way is lost. `byOther`: the other node asked for it. */
  | { readonly type: 'reset'; readonly why: string; readonly byOther: boolean }

const generationBits = 16n
const lastGeneration = (1n << generationBits) - 1n
const nothing = new Uint8Array(0)
/** Milliseconds in which missing batches are asked for, and sent again for that reason, once. */
const askInterval = 200
/** Milliseconds between two notices of a reset. */
const noticeInterval = 1_000

export class NodeSession {
  readonly #options: NodeSessionOptions
  #sent: SentBatches
  #received: ReceivedBatches
  #generation = 0n
  /** The other node does not use the current generation yet. */
  #isNotice = false
  #noticeAt = Infinity
  #askedAt = -Infinity
  #repeatedAt = -Infinity
  #isConnected = true
  #isHeld = false

  constructor(options: NodeSessionOptions) {
    this.#options = options
    this.#sent = new SentBatches(options)
    this.#received = new ReceivedBatches(options)
  }

  /** Whether the window is full: what is put waits here. */
  get isFull(): boolean {
    return this.#sent.isFull
  }

  /** Whether the other node has not acknowledged all that was put. */
  get isPending(): boolean {
    return this.#sent.isPending
  }

  /** How often the session was reset. */
  get resets(): number {
    return Number(this.#generation)
  }

  /** Adds a body, which is not empty. */
  put(body: Uint8Array, now: number): readonly SessionEffect[] {
    this.#sent.put(body)
    return this.#publish(this.#sent.take(now))
  }

  /** Bytes arrived from the other node. */
  receive(bytes: Uint8Array, now: number): readonly SessionEffect[] {
    const batch = decodeBatch(bytes)
    if (typeof batch === 'string') return this.#break(batch, now)
    const { session } = batch
    if (session >> generationBits !== this.#options.pair) return []
    const effects: SessionEffect[] = []
    const generation = session & lastGeneration
    if (generation > this.#generation && batch.isReset)
      effects.push(...this.#begin(generation, 'the other node began a new session', true))
    else if (generation !== this.#generation) return []
    this.#isNotice = false
    this.#noticeAt = Infinity
    // It repeats its notice until it has seen this.
    if (batch.isReset) effects.push(...this.#bare(false))
    if (!this.#sent.acknowledge(batch.ack, now))
      return [...effects, ...this.#break('it acknowledges a batch that was not sent', now)]
    if (!batch.isBare) effects.push(...this.#take(batch, now))
    if (batch.asksAgain && now >= this.#repeatedAt + askInterval) {
      this.#repeatedAt = now
      effects.push(...this.#publish(this.#sent.repeat(now)))
    }
    effects.push(...this.#publish(this.#sent.take(now)))
    return [...effects, ...this.#report(now)]
  }

  /** Sends what is due. */
  tick(now: number): readonly SessionEffect[] {
    if (now >= this.#noticeAt) {
      this.#noticeAt = now + noticeInterval
      return this.#bare(false)
    }
    if (now >= this.#sent.repeatAt) return this.#publish(this.#sent.repeat(now))
    return this.#report(now)
  }

  /** When {@link tick} has something to do next. */
  get due(): number {
    return this.#isConnected ? Math.min(this.#noticeAt, this.#sent.repeatAt, this.#received.reportAt) : Infinity
  }

  /** What is published from now on would be lost. */
  disconnected(): void {
    this.#isConnected = false
  }

  /** Batches of both directions may be lost. */
  reconnected(now: number): readonly SessionEffect[] {
    this.#isConnected = true
    return [...this.#bare(true), ...this.#publish(this.#sent.repeat(now))]
  }

  /** While it is held, nothing more is acknowledged. */
  hold(isHeld: boolean, now: number): readonly SessionEffect[] {
    this.#isHeld = isHeld
    this.#received.hold(isHeld, now)
    return this.#report(now)
  }

  /** What the other node sent cannot be used. */
  malformed(why: string, now: number): readonly SessionEffect[] {
    return this.#break(why, now)
  }

  #take(batch: Batch, now: number): readonly SessionEffect[] {
    const received = this.#received.take(batch, now)
    switch (received.type) {
      case 'taken':
        return received.body === undefined ? [] : [{ type: 'body', body: received.body }]
      case 'wrong':
        return this.#break(received.why, now)
      case 'gap':
        if (now < this.#askedAt + askInterval) return []
        this.#askedAt = now
        return this.#bare(true)
      default:
        return []
    }
  }

  #break(why: string, now: number): readonly SessionEffect[] {
    if (this.#generation === lastGeneration) return []
    const effects = this.#begin(this.#generation + 1n, why, false)
    this.#isNotice = true
    this.#noticeAt = now + noticeInterval
    return [...effects, ...this.#bare(false)]
  }

  #begin(generation: bigint, why: string, byOther: boolean): readonly SessionEffect[] {
    this.#generation = generation
    this.#sent = new SentBatches(this.#options)
    this.#received = new ReceivedBatches(this.#options)
    this.#received.hold(this.#isHeld, 0)
    this.#askedAt = -Infinity
    return [{ type: 'reset', why, byOther }]
  }

  #report(now: number): readonly SessionEffect[] {
    return now >= this.#received.reportAt ? this.#bare(false) : []
  }

  #bare(asksAgain: boolean): readonly SessionEffect[] {
    return this.#publishOne({ number: 0, part: nothing, hasMore: false }, true, asksAgain)
  }

  #publish(parts: readonly SentPart[]): readonly SessionEffect[] {
    return parts.flatMap((part) => this.#publishOne(part, false, false))
  }

  #publishOne({ number, part, hasMore }: SentPart, isBare: boolean, asksAgain: boolean): readonly SessionEffect[] {
    if (!this.#isConnected) return []
    this.#received.reported()
    const session = (this.#options.pair << generationBits) | this.#generation
    const { ack } = this.#received
    const isReset = this.#isNotice
    const bytes = encodeBatch({ session, hasMore, asksAgain, isReset, isBare, number, ack, body: part })
    return [{ type: 'publish', bytes }]
  }
}
