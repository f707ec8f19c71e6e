/**
 * Limits how many of a thread's messages may wait to be read. The reader reports, in a word of shared memory, how many
 * messages it has read. The sender has at most one window of further messages in flight, and keeps the rest. The reader
 * detects a sender that ignores this, because the reader never reads the word.
 */

/** Maximum number of messages in flight from a thread to the kernel. */
export const kernelWindow = 1024
/** Maximum number of batches in flight from a thread to another. */
export const peerWindow = 64

/** The sender's side of the word. */
export class Credit {
  readonly #word: Int32Array<SharedArrayBuffer>
  readonly #window: number
  #posted = 0
  #wake: () => void = () => undefined

  constructor(word: SharedArrayBuffer, window: number) {
    this.#word = new Int32Array(word)
    this.#window = window
  }

  /** Takes credit for a message; returns false when there is none. */
  take(): boolean {
    if (((this.#posted - Atomics.load(this.#word, 0)) | 0) >= this.#window) return false
    this.#posted = (this.#posted + 1) | 0
    return true
  }

  /** Settles when more was read, or the reader has ended. Only one caller waits at a time. */
  async more(): Promise<void> {
    const waiting = Atomics.waitAsync(this.#word, 0, (this.#posted - this.#window) | 0)
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
   * Blocks in the middle of the turn for at most that many milliseconds, because the thread is about to end. Returns
   * false when nothing more was read.
   */
  wait(ms: number): boolean {
    return Atomics.wait(this.#word, 0, (this.#posted - this.#window) | 0, ms) !== 'timed-out'
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

  /** Reports the total number of messages read. */
  tell(read: number): void {
    Atomics.store(this.#view, 0, read | 0)
    Atomics.notify(this.#view, 0)
  }
}
