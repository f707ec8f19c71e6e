/**
 * How much of what a thread posts may wait to be read. The reader tells, by a word of shared memory, how many messages it has read; the sender has no
 * more than a window of others under way, and keeps the rest to itself. One that does not is found out by the reader, which never reads the word.
 */

/** Messages of a thread to the kernel that may be under way. */
export const kernelWindow = 1024
/** Batches of a thread to another that may be under way. */
export const peerWindow = 64

/** The sender's side. */
export class Credit {
  readonly #word: Int32Array<SharedArrayBuffer>
  readonly #window: number
  #posted = 0
  #wake: () => void = () => undefined

  constructor(word: SharedArrayBuffer, window: number) {
    this.#word = new Int32Array(word)
    this.#window = window
  }

  /** Takes room for a message; returns false where there is none. */
  take(): boolean {
    if (((this.#posted - Atomics.load(this.#word, 0)) | 0) >= this.#window) return false
    this.#posted = (this.#posted + 1) | 0
    return true
  }

  /** Settles when something more was read, or nothing will be: the reader is gone. One waits at a time. */
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

  /** The reader is gone: what waits for it goes on. */
  close(): void {
    this.#wake()
  }

  /** Waits in the middle of the turn, so many milliseconds: the thread is about to end. Returns false when nothing more was read. */
  wait(ms: number): boolean {
    return Atomics.wait(this.#word, 0, (this.#posted - this.#window) | 0, ms) !== 'timed-out'
  }
}

/** A word for a reader to tell by. */
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

  /** So many messages were read in all. */
  tell(read: number): void {
    Atomics.store(this.#view, 0, read | 0)
    Atomics.notify(this.#view, 0)
  }
}
