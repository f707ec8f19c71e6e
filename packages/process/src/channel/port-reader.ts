/**
 * What comes by a port from a thread that may be hostile: read a few milliseconds at a time, so that it never keeps this thread's loop from others;
 * counted, so that a sender which does not wait for its credit is found out; and checked before anything looks inside.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Receipt } from '../shared-memory/credit.ts'
import { release } from '../protocol/foreign-handles.ts'

/** Milliseconds of a turn of the event loop in which one port is read. */
const slice = 8

// Taken once: code that replaces the globals changes nothing here.
const { nodeTiming } = performance
const now = performance.now.bind(performance)

export interface PortReaderOptions {
  readonly receipt: Receipt
  /** Messages that may be under way. */
  readonly window: number
  /** What is wrong with a message; nothing where it may be taken. */
  readonly check: (message: unknown) => string | undefined
  readonly take: (message: never) => void
  /** The sender has broken the protocol: nothing is read from it any more. */
  readonly onBreach: (why: string) => void
}

export class PortReader {
  readonly #port: MessagePort
  readonly #options: PortReaderOptions
  #read = 0
  #told = 0
  #sliceBegan = 0
  #turn = -1
  /** Not all that had come was read in its turn. */
  #behind = false
  #paused = false
  #isDue = false
  #isTaking = false
  #closed = false

  constructor(port: MessagePort, options: PortReaderOptions) {
    this.#port = port
    this.#options = options
  }

  /** Reads from now on. */
  open(): void {
    this.#port.on('messageerror', this.#onGarbled)
    this.#port.on('message', this.#onMessage)
  }

  /**
   * Reads what has come already, ahead of its turn: at most what may be under way. Does nothing while a message of this port is taken: what came
   * after that must not overtake it.
   */
  takeNow(): void {
    if (this.#isTaking) return
    this.#isTaking = true
    this.#takeAll()
    this.#isTaking = false
  }

  #takeAll(): void {
    for (let left = this.#options.window; left > 0 && !this.#closed; left -= 1) {
      const next = this.#receive()
      if (next === undefined) return
      this.#one(next.message)
    }
  }

  /** Reads nothing more. */
  close(): void {
    this.#closed = true
    this.#port.off('message', this.#onMessage)
    this.#port.off('messageerror', this.#onGarbled)
  }

  #receive(): { readonly message: unknown } | undefined {
    try {
      return receiveMessageOnPort(this.#port)
    } catch (error) {
      this.#onGarbled(error)
      return undefined
    }
  }

  readonly #onMessage = (message: unknown): void => {
    if (this.#closed) release(message)
    else {
      this.#isTaking = true
      this.#one(message)
      this.#isTaking = false
      if (!this.#paused && !this.#closed) this.#watch()
    }
  }

  #one(message: unknown): void {
    this.#read += 1
    const unread = this.#read - this.#told
    const { window } = this.#options
    // So many are told at once: the sender never waits for fewer.
    const batch = window / 4
    if (unread > window) this.#breach(`it has more than ${window} messages under way`, message)
    else {
      const wrong = this.#faultOf(message)
      if (wrong !== undefined) this.#breach(wrong, message)
      else if (unread === batch) this.#tellSoon()
    }
  }

  /** Takes a message, unless something is wrong with it: nested so deep, for instance, that it cannot be looked at. */
  #faultOf(message: unknown): string | undefined {
    const { check, take } = this.#options
    try {
      const wrong = check(message)
      if (wrong === undefined) Reflect.apply(take, undefined, [message])
      return wrong
    } catch (error) {
      return `what it sent cannot be taken: ${String(error)}`
    }
  }

  /** Whether the slice is used up. */
  #watch(): void {
    const at = now()
    if (at - this.#sliceBegan < slice) return
    const { loopCount } = nodeTiming.uvMetricsInfo
    if (loopCount !== this.#turn) {
      this.#turn = loopCount
      this.#sliceBegan = at
      return
    }
    this.#paused = true
    this.#behind = true
    this.#port.off('message', this.#onMessage)
    setImmediate(this.#resume)
  }

  readonly #resume = (): void => {
    this.#paused = false
    if (this.#closed) return
    this.#sliceBegan = now()
    this.#port.on('message', this.#onMessage)
    this.#port.unref()
    // By then the loop has been at this port.
    setImmediate(this.#caughtUp)
  }

  readonly #caughtUp = (): void => {
    if (this.#paused) return
    this.#behind = false
    this.#tell()
  }

  #tellSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(this.#tellNow)
  }

  readonly #tellNow = (): void => {
    this.#isDue = false
    this.#tell()
  }

  /** Only where all was read that had come: of a sender that floods, the rest is then found out. */
  #tell(): void {
    if (this.#closed || this.#behind || this.#told === this.#read) return
    this.#told = this.#read
    this.#options.receipt.tell(this.#read)
  }

  readonly #onGarbled = (error: unknown): void => {
    if (!this.#closed) this.#breach(`what it sent cannot be decoded: ${String(error)}`, undefined)
  }

  #breach(why: string, message: unknown): void {
    this.close()
    release(message)
    this.#options.onBreach(why)
  }
}
