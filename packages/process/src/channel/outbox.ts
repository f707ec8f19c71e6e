/**
 * The sending end of a channel. The signals of a turn of the event loop become one batch, in which messages that belong
 * together are one run. Batches are posted in order as far as there is credit; the others wait.
 */
import { afterTurn, Deque, type Frame, FrameEncoder, type Pid } from '@troupe/core'
import type { Transferable } from 'node:worker_threads'
import type { Packed, Transfer } from '../mailbox/payload.ts'
import type { PeerCredit, PeerPort } from '../mailbox/peer-port.ts'
import type { CreditKind } from '../mailbox/reservations.ts'
import { weightOf } from '../protocol/foreign-handles.ts'
import { maxBatch } from '../protocol/signal-rules.ts'
import type { SendRun, Signal } from '../protocol/signals.ts'
import { type Declared, extraUnits, peerWindow } from '../shared-memory/credit.ts'
import type { Encode } from './encode-batch.ts'

/** Milliseconds for which the end of a thread waits until another thread continues to read. */
const patience = 1000

/** The routing fields of a message. */
export interface Addressed {
  readonly to: Pid
  readonly topic: string
  readonly frame: Frame
}

/** What was put, and can be posted as one batch. */
interface Turn {
  readonly signals: Signal[]
  readonly moved: Transferable[]
  readonly weight: number
}

interface Batch {
  /** Signals, or their bytes. */
  readonly message: object
  /** Objects that move with the batch. */
  readonly moved: readonly Transferable[]
  /** Approximate bytes. */
  readonly weight: number
}

export abstract class Outbox {
  readonly #onLetters: () => Promise<void> | undefined
  readonly #frames = new FrameEncoder()
  /** The batch of this turn. */
  #signals: Signal[] = []
  #moved: Transferable[] = []
  #size = 0
  #weight = 0
  /** Full batches that cannot be posted yet: there is no port, or it is held. */
  readonly #full = new Deque<Turn>()
  /** The run of messages at the end of the batch, if it ends with one. */
  #run: SendRun | undefined
  #runFrame: Frame | undefined
  #isScheduled = false
  /** Return signals for the next batch, whenever it is posted. */
  #late: (() => Signal | undefined)[] = []
  #hasWritten = false
  /** Nothing is posted yet, although the port exists. */
  #isHeld = false
  /** Where batches go; absent before the port exists and after it has closed. */
  #port: PeerPort | undefined
  /** Absent where nothing is limited: then no batch waits. */
  #credit: PeerCredit | undefined
  /** Set where everything is posted as bytes. */
  #encode: Encode | undefined
  /** Batches that wait for credit. */
  readonly #waiting = new Deque<Batch>()
  /** Bytes that wait. */
  #waitingWeight = 0
  /** Bytes of the full batches. */
  #fullWeight = 0
  /** Settles when no batch waits. */
  #flowing: Promise<void> | undefined

  /** @param onLetters - Called before the first message is sent. Nothing is posted before the promise settles. */
  constructor(onLetters: () => Promise<void> | undefined) {
    this.#onLetters = onLetters
  }

  /** Where batches are posted, while there is a port. */
  protected get port(): PeerPort | undefined {
    return this.#port
  }

  /** From now on batches go there, as bytes if there is an `encode`. */
  protected openOutbox(port: PeerPort, credit: PeerCredit | undefined, encode: Encode | undefined): void {
    this.#port = port
    this.#credit = credit
    this.#encode = encode
  }

  /** The other end reads nothing more. */
  protected closeOutbox(): void {
    this.#port = undefined
    this.#waiting.drain()
    this.#waitingWeight = 0
    this.#full.drain()
    this.#fullWeight = 0
    this.#credit?.close()
  }

  /** The thread ends: what was flushed is still posted. */
  protected readonly drain = (): void => {
    do this.#postWaiting()
    while (this.#port !== undefined && this.#waiting.size > 0 && this.#credit?.wait(patience) === true)
  }

  /** Whether nothing waits for the end of this turn. */
  protected get isEmpty(): boolean {
    return this.#signals.length === 0 && this.#full.size === 0
  }

  /** Whether batches wait, because the other thread has not read enough of what was posted. */
  get isBehind(): boolean {
    return this.#waiting.size > 0
  }

  /** Approximate bytes that wait here because the other thread does not read. */
  get backlog(): number {
    return this.#weight + this.#waitingWeight + this.#fullWeight
  }

  /**
   * Adds a message to the batch of this turn.
   *
   * @param packed - The objects that move with it, and its approximate bytes.
   */
  putSend(
    { to, topic, frame }: Addressed,
    from: Pid,
    claim: CreditKind,
    payload: unknown,
    call: number,
    { transfer, weight }: Pick<Packed, 'transfer' | 'weight'>,
  ): void {
    if (!this.#hasWritten) this.#write()
    for (const moved of transfer) this.#moved.push(moved)
    this.#weight += weight
    const run = this.#run
    if (run !== undefined && call === 0 && isSame(run, to, from, topic, claim) && this.#runFrame === frame)
      run.payloads.push(payload)
    else {
      const reference = this.#frames.encode(frame)
      const next: SendRun = { op: 'send', to, from, topic, frame: reference, payloads: [payload], call, claim }
      this.#signals.push(next)
      this.#run = call === 0 ? next : undefined
      this.#runFrame = frame
    }
    this.#added()
  }

  #write(): void {
    this.#hasWritten = true
    const held = this.#onLetters()
    this.#isHeld = held !== undefined
    void held?.then(() => {
      this.#isHeld = false
      this.flush()
    })
  }

  /** Adds a signal to the batch of this turn; `transfer` lists the objects that move with it. */
  put(signal: Signal, transfer: Transfer = []): void {
    for (const moved of transfer) this.#moved.push(moved)
    if (signal.op === 'reply' || 'exit' in signal || 'error' in signal) this.#weight += weightOf(signal)
    this.#run = undefined
    this.#signals.push(signal)
    this.#added()
  }

  #added(): void {
    this.#size += 1
    if (this.#size < maxBatch && this.#weight < peerWindow.unitBytes) this.flushSoon()
    else if (this.#isPosting) this.flush()
    else this.#fill()
  }

  /** Posts what was put so far at the end of the current operation. */
  flushSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(this.#flushLater)
  }

  /**
   * Adds a signal to the next batch: with what else is sent in this turn of the event loop, or else at its end. `make`
   * returns the signal then, if it is still needed.
   */
  putLate(make: () => Signal | undefined): void {
    if (this.#late.length === 0) afterTurn(this.#flushLate, undefined)
    this.#late.push(make)
  }

  readonly #flushLate = (): void => {
    if (this.#late.length > 0) this.flush()
  }

  #addLate(): void {
    const late = this.#late
    this.#late = []
    for (const make of late) {
      const signal = make()
      if (signal === undefined) continue
      // The batch may be full already: then that is why it is posted.
      if (this.#size >= maxBatch) this.#fill()
      this.#signals.push(signal)
      this.#run = undefined
      this.#size += 1
    }
    this.#run = undefined
  }

  get #isPosting(): boolean {
    return this.#port !== undefined && !this.#isHeld
  }

  /** The batch is full: the next signal begins another one. */
  #fill(): void {
    if (this.#signals.length === 0) return
    this.#fullWeight += this.#weight
    this.#full.push(this.#turn())
  }

  /** Takes what was put so far. */
  #turn(): Turn {
    const turn = { signals: this.#signals, moved: this.#moved, weight: this.#weight }
    this.#signals = []
    this.#moved = []
    this.#size = 0
    this.#weight = 0
    // No message joins a run that is taken.
    this.#run = undefined
    return turn
  }

  readonly #flushLater = () => {
    this.#isScheduled = false
    this.flush()
  }

  /** Posts what was put so far, as far as there is credit; the rest follows. */
  flush(): void {
    if (!this.#isPosting) return
    if (this.#late.length > 0) this.#addLate()
    for (let turn = this.#full.shift(); turn !== undefined; turn = this.#full.shift()) this.#postTurn(turn)
    this.#fullWeight = 0
    if (this.#signals.length > 0) this.#postTurn(this.#turn())
  }

  #postTurn({ signals, moved, weight }: Turn): void {
    if (this.#encode === undefined) this.#postOrWait({ message: signals, moved, weight })
    else for (const bytes of this.#encode(signals)) this.#postOrWait(batchOf(bytes))
  }

  #postOrWait(batch: Batch): void {
    if (this.#waiting.size === 0 && this.#tryPost(batch)) return
    this.#waiting.push(batch)
    this.#waitingWeight += batch.weight
    this.#flowing ??= this.#flow()
  }

  /** Posts a batch if there is credit for it. */
  #tryPost({ message, moved, weight }: Batch): boolean {
    const extra = extraUnits(weight, peerWindow)
    if (this.#credit?.take(extra) === false) return false
    if (extra > 0) this.#port?.postMessage({ units: extra } satisfies Declared)
    this.#port?.postMessage(message, moved)
    return true
  }

  async #flow(): Promise<void> {
    while (this.#port !== undefined && this.#waiting.size > 0) {
      await this.#credit?.more()
      this.#postWaiting()
    }
    this.#flowing = undefined
  }

  #postWaiting(): void {
    for (let next = this.#waiting.first; next !== undefined && this.#port !== undefined; next = this.#waiting.first) {
      if (!this.#tryPost(next)) return
      this.#waiting.shift()
      this.#waitingWeight -= next.weight
    }
  }

  /** Settles when all that was flushed is posted, or never will be. */
  protected async flushed(): Promise<void> {
    if (this.#port !== undefined) await this.#flowing
  }
}

function isSame(run: SendRun, to: Pid, from: Pid, topic: string, claim: CreditKind): boolean {
  return run.to === to && run.from === from && run.topic === topic && run.claim === claim
}

function batchOf(bytes: Uint8Array<ArrayBuffer>): Batch {
  return { message: bytes, moved: [bytes.buffer], weight: bytes.length }
}
