/**
 * Limits how much of what a thread has sent may wait to be read. The reader reports, in a word of shared memory, how
 * many units it has read. The sender has at most one window of further units in flight, and keeps the rest. The reader
 * detects a sender that ignores this, because the reader never reads the word.
 *
 * A message is one unit. A large one is more: its sender declares them in a message before it ({@link Declared}), and
 * the reader checks that against what it got.
 */

/** A limit on what may be in flight. */
export interface Window {
  /** Maximum number of units in flight. */
  readonly units: number
  /** Bytes of a message that one unit is good for. */
  readonly unitBytes: number
}

/** Of a thread towards the kernel: 64 MiB. */
export const kernelWindow: Window = { units: 1024, unitBytes: 64 << 10 }
/** Of a thread towards another, which reads batches: 64 MiB. */
export const peerWindow: Window = { units: 64, unitBytes: 1 << 20 }
/** Where nothing is limited. */
export const noWindow: Window = { units: Number.POSITIVE_INFINITY, unitBytes: Number.POSITIVE_INFINITY }

/** Posted before a message that takes this number of units in addition to its own. */
export interface Declared {
  readonly units: number
}

/** The reader reports after this part of its window at the latest, so the sender never sees more of it as unread. */
const reported = 1 / 4

/** The number of units that a reader has read before it reports. */
export function unitsPerReport({ units }: Window): number {
  return units * reported
}

/**
 * The units that a message of that weight takes in addition to its own: as many as there can be room for at most, for
 * a message that is larger than the window.
 */
export function extraUnits(weight: number, { units, unitBytes }: Window): number {
  return weight < unitBytes ? 0 : Math.min(Math.floor(weight / unitBytes), units * (1 - reported) - 1)
}

/** Whether a message of that weight may follow this declaration. */
export function isDeclared(weight: number, declared: number, window: Window): boolean {
  return weight < window.unitBytes || declared >= extraUnits(weight, window)
}

/** Returns what a message declares, if it is a declaration. */
export function declaredBy(message: unknown, { units }: Window): number | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message) || !('units' in message))
    return undefined
  const { units: declared } = message
  return typeof declared === 'number' && Number.isInteger(declared) && declared > 0 && declared < units
    ? declared
    : undefined
}

/** The sender's side of the word. */
export class Credit {
  readonly #word: Int32Array<SharedArrayBuffer>
  readonly #window: number
  #posted = 0
  /** What the word was when there was too little credit. */
  #seen = 0
  #wake: () => void = () => undefined

  constructor(word: SharedArrayBuffer, window: number) {
    this.#word = new Int32Array(word)
    this.#window = window
  }

  /** Takes credit for a message, and for the units that it takes in addition; false when there is too little. */
  take(extra = 0): boolean {
    const read = Atomics.load(this.#word, 0)
    if (((this.#posted - read) | 0) + extra >= this.#window) {
      this.#seen = read
      return false
    }
    this.#posted = (this.#posted + 1 + extra) | 0
    return true
  }

  /** After {@link take} returned false: settles when more was read, or the reader has ended. Only one caller waits. */
  async more(): Promise<void> {
    const waiting = Atomics.waitAsync(this.#word, 0, this.#seen)
    if (!waiting.async) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    void waiting.value.then(() => {
      resolve()
    })
    await promise
  }

  /** The reader has ended: waiting code continues. */
  close(): void {
    this.#wake()
  }

  /**
   * After {@link take} returned false: blocks in the middle of the turn for at most that many milliseconds, because the
   * thread is about to end. Returns false when nothing more was read.
   */
  wait(ms: number): boolean {
    return Atomics.wait(this.#word, 0, this.#seen, ms) !== 'timed-out'
  }
}

/** Allocates a word for a reader. */
export function creditWord(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
}

/** The reader's side of the word. */
export class Receipt {
  readonly word: SharedArrayBuffer
  readonly #view: Int32Array<SharedArrayBuffer>

  constructor(word = creditWord()) {
    this.word = word
    this.#view = new Int32Array(word)
  }

  /** Reports the total number of units read. */
  tell(read: number): void {
    Atomics.store(this.#view, 0, read | 0)
    Atomics.notify(this.#view, 0)
  }
}

/** Bytes of the requests of one thread that may be without a reply; a larger one travels alone. */
const most = 64 << 20
/** Requests of less are not counted. */
const least = 64 << 10

/**
 * The bytes of a thread's requests that the kernel has not replied to. Both ends count them: the thread keeps further
 * requests, and the kernel ends a thread that does not.
 */
export class RequestBudget {
  readonly #weights = new Map<number, number>()
  #sum = 0

  /** Counts a request; returns false where it exceeds the budget. */
  take(number: number, weight: number): boolean {
    if (weight < least) return true
    if (this.#sum > 0 && this.#sum + weight > most) return false
    this.#weights.set(number, weight)
    this.#sum += weight
    return true
  }

  /** The request has its reply. Returns whether it was counted. */
  give(number: number): boolean {
    const weight = this.#weights.get(number)
    if (weight === undefined) return false
    this.#weights.delete(number)
    this.#sum -= weight
    return true
  }
}
