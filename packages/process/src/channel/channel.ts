/**
 * The channel from this thread to another. It is a port that the kernel introduced. It sends signals in batches
 * (`outbox.ts`), validates those of the other thread before other code looks inside, and keeps a send window for each
 * remote process to which something was sent.
 */
import { emptyFrame, type Frame, FrameDecoder, type Pid, type PidNames, pidsFrom, type TroupeError } from '@troupe/core'
import { MessagePort } from 'node:worker_threads'
import type { PeerPort } from '../mailbox/peer-port.ts'
import { decodeWithin } from '../pipe/codec.ts'
import { addBytes, decodingCost, release, startWeighing } from '../protocol/foreign-handles.ts'
import type { ChannelWords } from '../protocol/kernel-thread.ts'
import { messageBudget } from '../protocol/message-budget.ts'
import { opaqueInBatch } from '../protocol/opaque-values.ts'
import { faultInBatch, strayIn } from '../protocol/signal-rules.ts'
import type { Signal } from '../protocol/signals.ts'
import { Credit, noWindow, peerWindow, Receipt } from '../shared-memory/credit.ts'
import { atExit } from '../thread/at-exit.ts'
import { lookLater } from '../thread/builtins.ts'
import type { InboundGate } from '../thread/messaging/inbound-gate.ts'
import { encodeBatches, encodeForNode } from './encode-batch.ts'
import { Outbox } from './outbox.ts'
import { arrived } from './time-left.ts'
import { PortReader } from './port-reader.ts'
import type { Unacknowledged } from './send-window.ts'
import { SendWindows } from './send-windows.ts'

/** The number of the thread in which the kernel lives. */
const kernelThread = 0

export interface ChannelOptions {
  /** Number of the other thread. */
  readonly thread: number
  /** Number of this thread. */
  readonly own: number
  /** Called before the first message is sent. The channel waits for the promise that it returns. */
  readonly onLetters: () => Promise<void> | undefined
  /** Called for each signal, in the order in which they were put. */
  readonly onSignal: (signal: Signal, channel: Channel, frame: Frame) => void
  /** The other thread broke the protocol. Nothing more is read from it. */
  readonly onBreach: (channel: Channel, why: string) => void
  /** The other thread will send nothing more, and all that it sent was delivered. */
  readonly onClose: (channel: Channel) => void
}

export class Channel extends Outbox {
  readonly thread: number
  /** Decides what is accepted from the other thread; set once the threads are introduced. */
  gate: InboundGate | undefined
  readonly #options: ChannelOptions
  readonly #decoder = new FrameDecoder()
  /** The room at the processes of the other thread. */
  readonly windows = new SendWindows<Channel>(this)
  #encoded = false
  /** How the two nodes write pids, where the other thread belongs to another node. */
  #names: PidNames | undefined
  /** The batch that was validated last. */
  #checked: readonly Signal[] = []
  #reader: PortReader | undefined
  #forget: () => void = () => undefined
  readonly #marks: (() => void)[] = []
  readonly #introductions: (() => void)[] = []

  constructor(options: ChannelOptions) {
    super(options.onLetters)
    this.thread = options.thread
    this.#options = options
  }

  /** The frame of a message is decoded even if the message is dropped, because later messages refer to it. */
  #take(signal: Signal): void {
    const { own, thread: other, onSignal } = this.#options
    const stray = strayIn(signal, { own, other })
    if (stray !== undefined)
      throw new Error(`its signal "${signal.op}" is about ${stray}, which does not live at that end`)
    if (signal.op !== 'send') {
      onSignal(signal, this, emptyFrame)
      return
    }
    const frame = this.#decoder.decode(signal.frame)
    if (frame === undefined) throw new Error('a message refers to a frame that was never sent')
    onSignal(signal, this, frame)
  }

  readonly #takeBatch = (batch: readonly Signal[]): void => {
    for (const signal of batch) {
      // A breach closes the channel in the middle of a batch.
      if (this.port === undefined) release(signal)
      else this.#takeOrBreak(signal)
    }
  }

  #takeOrBreak(signal: Signal): void {
    try {
      this.#take(signal)
    } catch (error) {
      release(signal)
      this.#options.onBreach(this, error instanceof Error ? error.message : String(error))
    }
  }

  /** Reads what has already arrived, before its turn in the event loop. */
  takeNow(): void {
    // A pipe carries everything in one order, including the kernel's messages.
    this.#reader?.takeNow()
  }

  /** Returns what is wrong with a received message. A valid batch is kept until it is taken. */
  readonly #check = (message: unknown): string | undefined => {
    lookLater()
    const batch = this.#encoded ? encodedBatchIn(message, this.#names) : batchIn(message, this.#options.own)
    if (typeof batch === 'string') return batch
    this.#checked = batch
    return undefined
  }

  readonly #takeChecked = (): void => {
    this.#takeBatch(this.#checked)
  }

  /**
   * Attaches the port and sends what was put before.
   *
   * @param words - Shared counters by which the two ends report what they have read; absent where they share no memory.
   */
  open(port: PeerPort, words?: ChannelWords, encoded = false, names?: PidNames): void {
    this.#encoded = encoded
    this.#names = names
    const credit = port.credit ?? (words && new Credit(words.credit, peerWindow.units))
    this.openOutbox(port, credit, encoded ? (names === undefined ? encodeBatches : encodeForNode) : undefined)
    if (port instanceof MessagePort) this.#read(port, words)
    else {
      port.on('message', (message) => {
        const wrong = this.#check(message)
        if (wrong === undefined) this.#takeChecked()
        else this.#options.onBreach(this, wrong)
      })
    }
    port.on('close', () => {
      if (this.port !== port) return
      this.closeOutbox()
      this.#forget()
      this.#options.onClose(this)
    })
    port.unref()
    this.#forget = atExit(this.drain)
    this.#introduce()
    this.flush()
  }

  #read(port: MessagePort, words: ChannelWords | undefined): void {
    this.#reader = new PortReader(port, {
      receipt: new Receipt(words?.receipt),
      window: words === undefined ? noWindow : peerWindow,
      check: this.#check,
      take: this.#takeChecked,
      onBreach: (why) => {
        this.#options.onBreach(this, why)
      },
    })
    this.#reader.open()
  }

  get isOpen(): boolean {
    return this.port !== undefined
  }

  /**
   * Settles when the kernel has introduced the two threads, or the other has ended. From then on the network of the
   * other thread is known.
   */
  introduced(): Promise<void> {
    if (this.gate !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#introductions.push(resolve)
    })
  }

  #introduce(): void {
    for (const resolve of this.#introductions.splice(0)) resolve()
  }

  /** Settles when all that was put so far is posted, or never will be. */
  async posted(): Promise<void> {
    await this.introduced()
    this.flush()
    await this.flushed()
  }

  /** Closes all send windows because the thread has ended. */
  closeAll(error: TroupeError): { readonly pid: Pid; readonly lost: Unacknowledged[] }[] {
    const all = this.windows.closeAll(error)
    this.#passAll()
    this.#introduce()
    return all
  }

  /**
   * Settles when all that was put so far has reached the other thread, or never will. Returns `undefined` when this is
   * already known.
   */
  arrival(): Promise<void> | undefined {
    if (this.isEmpty && !this.windows.areUnacknowledged) return undefined
    return this.mark()
  }

  /** Settles when the other thread has received all that was put so far, or has ended. */
  async mark(): Promise<void> {
    this.put({ op: 'mark' })
    this.flush()
    return new Promise((resolve) => {
      this.#marks.push(resolve)
    })
  }

  /** The other thread has received everything that was put before the oldest mark. */
  passed(): void {
    this.#marks.shift()?.()
  }

  #passAll(): void {
    for (const pass of this.#marks.splice(0)) pass()
  }

  unref(): void {
    this.port?.unref()
  }

  /** Closes the port. */
  close(): void {
    const { port } = this
    this.closeOutbox()
    this.#reader?.close()
    this.#forget()
    port?.close()
    this.#passAll()
  }
}

/** Returns the signals in a message, or what is wrong with it. It is weighed. */
function batchIn(message: unknown, own: number): readonly Signal[] | string {
  const wrong = faultInBatch(message)
  if (wrong !== undefined) return wrong
  // The thread of the kernel decodes no more than it has the time for.
  if (own === kernelThread && decodingCost() > messageBudget) return 'its batch holds more values than one may'
  return isBatch(message) ? message : 'it posted an invalid batch of signals'
}

/** The same where one end is an operating-system process, or another node: everything is bytes. */
function encodedBatchIn(message: unknown, names: PidNames | undefined): readonly Signal[] | string {
  if (!(message instanceof Uint8Array)) return 'it posted no bytes'
  let batch: unknown
  try {
    batch = decodeWithin(message)
    if (names !== undefined) batch = pidsFrom(batch, names)
  } catch (error) {
    return `a message from it cannot be decoded: ${String(error)}`
  }
  const wrong = faultInBatch(batch)
  if (wrong !== undefined || !isBatch(batch)) return wrong ?? 'it posted an invalid batch of signals'
  // Its sender declared the bytes, not what they stand for.
  startWeighing()
  addBytes(message.length)
  return opaqueInBatch(batch) ?? (names === undefined ? batch : batch.map(arrived))
}

function isBatch(message: unknown): message is readonly Signal[] {
  return Array.isArray(message)
}
