/**
 * The way from this thread to another: a port that the kernel introduced, parcels batched per turn of the event loop, frames
 * interned, and an account for each process over there that was sent to.
 */
import { type Frame, FrameDecoder, FrameEncoder, type Pid, type TroupeError } from '@troupe/core'
import { MessagePort, receiveMessageOnPort, type Transferable } from 'node:worker_threads'
import { decode } from '../pipe/codec.ts'
import type { Parcel, SendRun } from '../protocol.ts'
import type { Border } from '../thread/border.ts'
import { encodeBatch } from './encode-batch.ts'
import { Account, type Unacknowledged } from './account.ts'
import type { Claim } from './flow.ts'
import type { Transfer } from './payload.ts'

/** A batch is posted at once when it has grown this long, so that a busy sender does not hoard. */
const maxBatch = 256
/** Batches that are taken ahead of their turn at most, so that a sender who never stops cannot keep this thread. */
const maxAhead = 1000
/** Accounts of dead processes that are remembered, so that sending to them fails at once. */
const maxClosed = 4096

/** What a message says of itself. */
interface Addressed {
  readonly to: Pid
  readonly topic: string
  readonly frame: Frame
}

/** A port to another thread, or what stands for one in a process of its own. */
export interface PeerPort {
  postMessage(message: object, transfer?: readonly Transferable[]): void
  on(event: 'message' | 'messageerror', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  unref(): void
  close(): void
}

export interface ChannelOptions {
  readonly thread: number
  /** Called for each parcel, in the order in which they were put. */
  readonly onParcel: (parcel: Parcel, channel: Channel) => void
  /** A batch came that cannot be decoded: whatever was in it is lost. */
  readonly onGarbled: (channel: Channel, error: unknown) => void
  /** The other thread will send nothing more, and all that it sent was delivered. */
  readonly onClose: (channel: Channel) => void
}

export class Channel {
  readonly thread: number
  /** What is taken from the other thread, once they were introduced. */
  border: Border | undefined
  readonly #options: ChannelOptions
  readonly #encoder = new FrameEncoder()
  readonly #decoder = new FrameDecoder()
  readonly #accounts = new Map<Pid, Account<Channel>>()
  readonly #dead = new Set<Pid>()
  #port: PeerPort | undefined
  #encoded = false
  #batch: Parcel[] = []
  #moved: Transferable[] = []
  #size = 0
  /** The run of messages that the batch ends with, if it does. */
  #run: SendRun | undefined
  #runFrame: Frame | undefined
  #scheduled = false
  readonly #marks: (() => void)[] = []
  readonly #introductions: (() => void)[] = []

  constructor(options: ChannelOptions) {
    this.thread = options.thread
    this.#options = options
  }

  /** What breaks the protocol comes from code that reached for the port: it must not end the processes here. */
  #take(parcel: Parcel): void {
    try {
      this.#options.onParcel(parcel, this)
    } catch (error) {
      process.emitWarning(`thread ${this.thread} sent what is no parcel: ${String(error)}`)
    }
  }

  readonly #takeBatch = (batch: readonly Parcel[]): void => {
    for (const parcel of batch) this.#take(parcel)
  }

  readonly #takeMessage = (message: unknown): void => {
    try {
      const batch = this.#encoded && message instanceof Uint8Array ? decode(message) : message
      if (isBatch(batch)) this.#takeBatch(batch)
      else if (this.#encoded) this.#options.onGarbled(this, new TypeError('that is no list of parcels'))
    } catch (error) {
      this.#options.onGarbled(this, error)
    }
  }

  /** Takes what has come already, ahead of its turn in the event loop. */
  takeNow(): void {
    for (let taken = 0; taken < maxAhead; taken += 1) {
      // By a pipe all comes in one order, the kernel's as well.
      const next: { readonly message: unknown } | undefined =
        this.#port instanceof MessagePort ? receiveMessageOnPort(this.#port) : undefined
      if (next === undefined) return
      this.#takeMessage(next.message)
    }
  }

  /** Joins the port; what was put before goes out now. */
  open(port: PeerPort, encoded = false): void {
    this.#port = port
    this.#encoded = encoded
    port.on('message', this.#takeMessage)
    port.on('messageerror', (error) => {
      this.#options.onGarbled(this, error)
    })
    port.on('close', () => {
      if (this.#port !== port) return
      this.#port = undefined
      this.#options.onClose(this)
    })
    port.unref()
    this.#introduce()
    this.flush()
  }

  /** What is sent by it travels as bytes, to another operating-system process or from one. */
  get isEncoded(): boolean {
    return this.#encoded
  }

  get isOpen(): boolean {
    return this.#port !== undefined
  }

  /** Settles when the kernel has introduced the two threads, or the other is gone: from then on it is known in which network that runs. */
  introduced(): Promise<void> {
    if (this.border !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#introductions.push(resolve)
    })
  }

  #introduce(): void {
    for (const resolve of this.#introductions.splice(0)) resolve()
  }

  /** Puts a message into the batch of this turn; `transfer` lists what moves with it. */
  putSend({ to, topic, frame }: Addressed, from: Pid, claim: Claim, payload: unknown, call: number, transfer: Transfer): void {
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

  /** Puts a parcel into the batch of this turn; `transfer` lists what moves with it. */
  put(parcel: Parcel, transfer: Transfer = []): void {
    for (const moved of transfer) this.#moved.push(moved)
    this.#run = undefined
    this.#batch.push(parcel)
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

  /** Posts what was put so far. */
  flush(): void {
    if (this.#port === undefined || this.#batch.length === 0) return
    const batch = this.#batch
    const moved = this.#moved
    this.#size = 0
    this.#run = undefined
    this.#batch = []
    this.#moved = []
    if (!this.#encoded) {
      this.#port.postMessage(batch, moved)
      return
    }
    const bytes = encodeBatch(batch)
    this.#port.postMessage(bytes, [bytes.buffer])
  }

  get decoder(): FrameDecoder {
    return this.#decoder
  }

  /** The account of a process over there. */
  account(pid: Pid): Account<Channel> {
    const known = this.#accounts.get(pid)
    if (known !== undefined) return known
    const account = new Account<Channel>(pid, this)
    if (this.#dead.has(pid)) account.close(0, 'it has ended')
    else this.#accounts.set(pid, account)
    return account
  }

  /** Closes the account of a process that ended after `arrived` letters, and remembers that. */
  closeAccount(pid: Pid, arrived: number): Unacknowledged[] {
    this.#remember(pid)
    const account = this.#accounts.get(pid)
    this.#accounts.delete(pid)
    return account?.close(arrived, 'it has ended') ?? []
  }

  /** Closes the account of a process that takes nothing from here now. It may later: it is not remembered. */
  refuseAccount(pid: Pid, error: TroupeError): Unacknowledged[] {
    const account = this.#accounts.get(pid)
    this.#accounts.delete(pid)
    return account?.closeWith(0, error) ?? []
  }

  /** Closes all accounts: the thread is gone. */
  closeAll(reason: string): { readonly pid: Pid; readonly lost: Unacknowledged[] }[] {
    const all = [...this.#accounts.values()].map((account) => ({ pid: account.pid, lost: account.close(0, reason) }))
    this.#accounts.clear()
    this.#passAll()
    this.#introduce()
    return all
  }

  /** Settles when all that was put so far has come to the other thread, or never will; answers nothing when that is known already. */
  arrival(): Promise<void> | undefined {
    if (this.#batch.length === 0 && !this.#accounts.values().some((account) => account.hasUnacknowledged)) return undefined
    return this.mark()
  }

  /** Settles when the other thread has got all that was put so far, or is gone. */
  async mark(): Promise<void> {
    this.put({ op: 'mark' })
    this.flush()
    return new Promise((resolve) => {
      this.#marks.push(resolve)
    })
  }

  /** The other thread has got what was put before the oldest mark. */
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

function isSame(run: SendRun, to: Pid, from: Pid, topic: string, claim: Claim): boolean {
  return run.to === to && run.from === from && run.topic === topic && run.claim === claim
}

function isBatch(message: unknown): message is readonly Parcel[] {
  return Array.isArray(message)
}
