/**
 * The channel from this thread to another. It is a port that the kernel introduced. It sends signals in one batch per
 * turn of the event loop, interns frames, and keeps a send window for each remote process to which something was sent.
 */
import { emptyFrame, type Frame, FrameDecoder, FrameEncoder, type Pid, type TroupeError } from '@troupe/core'
import { MessagePort, type Transferable } from 'node:worker_threads'
import { Credit, peerWindow, Receipt } from '../shared-memory/credit.ts'
import { release } from '../protocol/foreign-handles.ts'
import { PortReader } from './port-reader.ts'
import { faultInBatch, maxBatch } from '../protocol/signal-rules.ts'
import { decodeWithin } from '../pipe/codec.ts'
import type { ChannelWords } from '../protocol/kernel-thread.ts'
import type { Signal, SendRun } from '../protocol/signals.ts'
import { atExit } from '../thread/at-exit.ts'
import { lookLater } from '../thread/builtins.ts'
import type { InboundGate } from '../thread/messaging/inbound-gate.ts'
import { encodeBatches } from './encode-batch.ts'
import { SendWindow, type Unacknowledged } from './send-window.ts'
import type { CreditKind } from '../mailbox/receive-window.ts'
import { strayIn } from '../mailbox/parties.ts'
import type { PeerPort } from '../mailbox/peer-port.ts'
import type { Transfer } from '../mailbox/payload.ts'
import { type Batch, Unposted } from '../mailbox/unposted.ts'

/** Number of closed send windows of dead processes that are remembered, so that sends to them fail at once. */
const maxClosed = 4096

/** The routing fields of a message. */
interface Addressed {
  readonly to: Pid
  readonly topic: string
  readonly frame: Frame
}

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

export class Channel {
  readonly thread: number
  /** Decides what is accepted from the other thread; set once the threads are introduced. */
  gate: InboundGate | undefined
  readonly #options: ChannelOptions
  readonly #encoder = new FrameEncoder()
  readonly #decoder = new FrameDecoder()
  readonly #sendWindows = new Map<Pid, SendWindow<Channel>>()
  readonly #dead = new Set<Pid>()
  #port: PeerPort | undefined
  #encoded = false
  /** The batch that was validated last. */
  #checked: readonly Signal[] = []
  #reader: PortReader | undefined
  #forget: () => void = () => undefined
  #unposted: Unposted | undefined
  #batch: Signal[] = []
  #moved: Transferable[] = []
  #size = 0
  /** The run of messages at the end of the batch, if it ends with one. */
  #run: SendRun | undefined
  #runFrame: Frame | undefined
  #scheduled = false
  #hasWritten = false
  /** Nothing is posted yet, although the port exists. */
  #isHeld = false
  readonly #marks: (() => void)[] = []
  readonly #introductions: (() => void)[] = []

  constructor(options: ChannelOptions) {
    this.thread = options.thread
    this.#options = options
  }

  /** The frame of a message is decoded even if the message is dropped, because later messages refer to it. */
  #take(signal: Signal): void {
    const { own, thread: other, onSignal } = this.#options
    const stray = strayIn(signal, { own, other })
    if (stray !== undefined) throw new Error(`its signal "${signal.op}" is about ${stray}, which does not live at that end`)
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
      if (this.#port === undefined) release(signal)
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
    let batch = message
    try {
      if (this.#encoded && message instanceof Uint8Array) batch = decodeWithin(message)
    } catch (error) {
      return `a message from it cannot be decoded: ${String(error)}`
    }
    const wrong = faultInBatch(batch)
    if (wrong === undefined && isBatch(batch)) this.#checked = batch
    return wrong
  }

  readonly #takeChecked = (): void => {
    this.#takeBatch(this.#checked)
  }

  /**
   * Attaches the port and sends what was put before.
   *
   * @param words - Shared counters by which the two ends report what they have read; absent where they share no memory.
   */
  open(port: PeerPort, words?: ChannelWords, encoded = false): void {
    this.#port = port
    this.#encoded = encoded
    this.#unposted = new Unposted(this.#post, words && new Credit(words.credit, peerWindow))
    if (port instanceof MessagePort) this.#read(port, words)
    else {
      port.on('message', (message) => {
        const wrong = this.#check(message)
        if (wrong === undefined) this.#takeChecked()
        else this.#options.onBreach(this, wrong)
      })
    }
    port.on('close', () => {
      if (this.#port !== port) return
      this.#port = undefined
      this.#unposted?.close()
      this.#forget()
      this.#options.onClose(this)
    })
    port.unref()
    this.#forget = atExit(this.#drain)
    this.#introduce()
    this.flush()
  }

  /** An operating-system process has no credit; the kernel relays no more than it reads. */
  #read(port: MessagePort, words: ChannelWords | undefined): void {
    this.#reader = new PortReader(port, {
      receipt: new Receipt(words?.receipt),
      window: words === undefined ? Number.POSITIVE_INFINITY : peerWindow,
      check: this.#check,
      take: this.#takeChecked,
      onBreach: (why) => {
        this.#options.onBreach(this, why)
      },
    })
    this.#reader.open()
  }

  get isOpen(): boolean {
    return this.#port !== undefined
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

  /** Adds a message to the batch of this turn; `transfer` lists the objects that move with it. */
  putSend({ to, topic, frame }: Addressed, from: Pid, claim: CreditKind, payload: unknown, call: number, transfer: Transfer): void {
    if (!this.#hasWritten) this.#write()
    for (const moved of transfer) this.#moved.push(moved)
    const run = this.#run
    if (run !== undefined && call === 0 && isSame(run, to, from, topic, claim) && this.#runFrame === frame) {
      run.payloads.push(payload)
      this.#schedule()
      return
    }
    const next: SendRun = { op: 'send', to, from, topic, frame: this.#encoder.encode(frame), payloads: [payload], call, claim }
    this.put(next)
    this.#run = call === 0 ? next : undefined
    this.#runFrame = frame
  }

  #write(): void {
    this.#hasWritten = true
    const told = this.#options.onLetters()
    this.#isHeld = told !== undefined
    void told?.then(() => {
      this.#isHeld = false
      this.flush()
    })
  }

  /** Adds a signal to the batch of this turn; `transfer` lists the objects that move with it. */
  put(signal: Signal, transfer: Transfer = []): void {
    for (const moved of transfer) this.#moved.push(moved)
    this.#run = undefined
    this.#batch.push(signal)
    this.#schedule()
  }

  #schedule(): void {
    this.#size += 1
    if (this.#size >= maxBatch) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      process.nextTick(this.#flushLater)
    }
  }

  readonly #flushLater = () => {
    this.#scheduled = false
    this.flush()
  }

  /** Posts what was put so far, as far as there is credit; the rest follows. */
  flush(): void {
    if (this.#port === undefined || this.#isHeld || this.#batch.length === 0) return
    const batch = { signals: this.#batch, moved: this.#moved }
    this.#size = 0
    this.#run = undefined
    this.#batch = []
    this.#moved = []
    this.#unposted?.put(batch)
  }

  /** Settles when all that was put so far is posted, or never will be. */
  async posted(): Promise<void> {
    await this.introduced()
    this.flush()
    await this.#unposted?.posted()
  }

  readonly #post = ({ signals, moved }: Batch): void => {
    if (!this.#encoded) {
      this.#port?.postMessage(signals, moved)
      return
    }
    for (const bytes of encodeBatches(signals)) this.#port?.postMessage(bytes, [bytes.buffer])
  }

  readonly #drain = (): void => {
    this.#unposted?.drain()
  }

  /** Returns the send window of a remote process, if something was sent to it. */
  known(pid: Pid): SendWindow<Channel> | undefined {
    return this.#sendWindows.get(pid)
  }

  /** Returns the send window of a remote process. */
  sendWindow(pid: Pid): SendWindow<Channel> {
    const known = this.#sendWindows.get(pid)
    if (known !== undefined) return known
    const sendWindow = new SendWindow<Channel>(pid, this)
    if (this.#dead.has(pid)) sendWindow.close(0, 'it has ended')
    else this.#sendWindows.set(pid, sendWindow)
    return sendWindow
  }

  /** Closes the send window of a process that ended after `arrived` messages, and remembers this. */
  closeSendWindow(pid: Pid, arrived: number): Unacknowledged[] {
    this.#remember(pid)
    const sendWindow = this.#sendWindows.get(pid)
    this.#sendWindows.delete(pid)
    return sendWindow?.close(arrived, 'it has ended') ?? []
  }

  /**
   * Closes the send window of a process that currently accepts nothing from this thread. This can change, so it is not
   * remembered.
   */
  refuseSendWindow(pid: Pid, error: TroupeError): Unacknowledged[] {
    const sendWindow = this.#sendWindows.get(pid)
    this.#sendWindows.delete(pid)
    return sendWindow?.closeWith(0, error) ?? []
  }

  /** Closes all send windows because the thread has ended. */
  closeAll(reason: string): { readonly pid: Pid; readonly lost: Unacknowledged[] }[] {
    const all = [...this.#sendWindows.values()].map((sendWindow) => ({ pid: sendWindow.pid, lost: sendWindow.closeUncertain(reason) }))
    this.#sendWindows.clear()
    this.#passAll()
    this.#introduce()
    return all
  }

  /**
   * Settles when all that was put so far has reached the other thread, or never will. Returns `undefined` when this is
   * already known.
   */
  arrival(): Promise<void> | undefined {
    if (this.#batch.length === 0 && !this.#sendWindows.values().some((sendWindow) => sendWindow.hasUnacknowledged)) return undefined
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

  /** Closes the port. */
  unref(): void {
    this.#port?.unref()
  }

  close(): void {
    const port = this.#port
    this.#port = undefined
    this.#unposted?.close()
    this.#reader?.close()
    this.#forget()
    port?.close()
    this.#passAll()
  }

  #remember(pid: Pid): void {
    this.#dead.add(pid)
    if (this.#dead.size <= maxClosed) return
    const [oldest] = this.#dead
    if (oldest !== undefined) this.#dead.delete(oldest)
  }
}

function isSame(run: SendRun, to: Pid, from: Pid, topic: string, claim: CreditKind): boolean {
  return run.to === to && run.from === from && run.topic === topic && run.claim === claim
}

function isBatch(message: unknown): message is readonly Signal[] {
  return Array.isArray(message)
}
