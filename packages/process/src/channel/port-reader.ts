/**
 * Reads a port from a thread that may be hostile. It reads for a few milliseconds at a time, so that it never blocks
 * the loop of this thread. It counts messages and their bytes, so that a sender that ignores its credit is detected. It
 * validates each message before other code looks inside.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { declaredBy, isDeclared, type Receipt, unitsPerReport, type Window } from '../shared-memory/credit.ts'
import { release, startWeighing, weighed } from '../protocol/foreign-handles.ts'

/** Milliseconds per turn of the event loop for which one port is read. */
const slice = 8

// Read once at load: code that replaces the globals later has no effect here.
const { nodeTiming } = performance
const now = performance.now.bind(performance)

export interface PortReaderOptions {
  readonly receipt: Receipt
  /** What may be in flight. */
  readonly window: Window
  /**
   * Returns what is wrong with a message, or `undefined` for a valid one. What it searches for handles is weighed.
   */
  readonly check: (message: unknown) => string | undefined
  readonly take: (message: never) => void
  /** The sender broke the protocol. Nothing more is read from it. */
  readonly onBreach: (why: string) => void
}

export class PortReader {
  readonly #port: MessagePort
  readonly #options: PortReaderOptions
  /** Units. */
  #read = 0
  #reported = 0
  /** Units that were declared for the next message. */
  #declared = 0
  #sliceBegan = 0
  #turn = -1
  /** Not all that had arrived was read in its turn. */
  #behind = false
  #paused = false
  /** Reading is stopped from outside. */
  #isHeld = false
  #isDue = false
  #isTaking = false
  #closed = false

  constructor(port: MessagePort, options: PortReaderOptions) {
    this.#port = port
    this.#options = options
  }

  /** Starts reading. */
  open(): void {
    this.#port.on('messageerror', this.#onGarbled)
    this.#port.on('message', this.#onMessage)
  }

  /**
   * Reads what has already arrived, before its turn in the event loop: at most as many messages as may be in flight.
   * Does nothing while a message of this port is being processed, because later messages must not overtake it.
   */
  takeNow(): void {
    if (this.#isTaking) return
    this.#isTaking = true
    this.#takeAll()
    this.#isTaking = false
  }

  #takeAll(): void {
    for (let left = this.#options.window.units; left > 0 && !this.#closed; left -= 1) {
      const next = this.#receive()
      if (next === undefined) return
      this.#one(next.message)
    }
  }

  /** Stops reading. */
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
      if (!this.#paused && !this.#isHeld && !this.#closed) this.#watch()
    }
  }

  #one(message: unknown): void {
    const { window } = this.#options
    const declared = declaredBy(message, window)
    this.#read += declared ?? 1
    const unread = this.#read - this.#reported
    if (unread > window.units) {
      this.#breach(`it has more than ${window.units} messages, or ${mostBytes(window)} MiB, under way`, message)
      return
    }
    if (declared === undefined) {
      const wrong = this.#faultOf(message)
      if (wrong !== undefined) {
        this.#breach(wrong, message)
        return
      }
    } else this.#declared = declared
    // Reported in parts of this size: the sender never waits for fewer.
    if (unread >= unitsPerReport(window)) this.#tellSoon()
  }

  /**
   * Processes a message unless something is wrong with it, for instance nesting so deep that it cannot be inspected.
   */
  #faultOf(message: unknown): string | undefined {
    const { check, take, window } = this.#options
    try {
      startWeighing()
      const wrong = check(message)
      if (wrong !== undefined) return wrong
      const weight = weighed()
      if (weight >= window.unitBytes && !isDeclared(weight, this.#declared, window))
        return `it sent some ${weight} bytes without declaring them`
      this.#declared = 0
      Reflect.apply(take, undefined, [message])
      return undefined
    } catch (error) {
      return `a message from it cannot be processed: ${String(error)}`
    }
  }

  /** Stops to read until {@link resume}. */
  pause(): void {
    if (this.#closed || this.#isHeld) return
    this.#isHeld = true
    this.#behind = true
    this.#port.off('message', this.#onMessage)
  }

  /** Reads again after {@link pause}. */
  resume(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (!this.#paused) this.#resume()
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
    if (this.#closed || this.#isHeld) return
    this.#sliceBegan = now()
    this.#port.on('message', this.#onMessage)
    this.#port.unref()
    // By then the loop has polled this port.
    setImmediate(this.#caughtUp)
  }

  readonly #caughtUp = (): void => {
    if (this.#paused || this.#isHeld) return
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

  /**
   * Only when everything that had arrived was read: if the sender floods, the rest then exceeds the window and is
   * detected.
   */
  #tell(): void {
    if (this.#closed || this.#behind || this.#reported === this.#read) return
    this.#reported = this.#read
    this.#options.receipt.tell(this.#read)
  }

  readonly #onGarbled = (error: unknown): void => {
    if (!this.#closed) this.#breach(`a message from it cannot be decoded: ${String(error)}`, undefined)
  }

  #breach(why: string, message: unknown): void {
    release(message)
    this.breach(why)
  }

  /** The sender broke the protocol in another way. */
  breach(why: string): void {
    this.close()
    this.#options.onBreach(why)
  }
}

function mostBytes({ units, unitBytes }: Window): number {
  return (units * unitBytes) >> 20
}
