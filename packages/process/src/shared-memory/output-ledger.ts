/**
 * What the kernel reports to a thread about the program's standard streams: how much of the thread's output is written,
 * why a stream accepts no more, and the size of the terminal. It is in shared memory, so that a thread can read it in
 * the middle of a loop.
 */
import { constants } from 'node:os'

/** Standard output and standard error, by file descriptor. */
export type OutputStream = 1 | 2

/** Output of a thread. */
export interface Output {
  readonly type: 'output'
  readonly stream: OutputStream
  readonly chunk: string | Uint8Array
}

/** Which of the program's standard streams are terminals, and their colour depth in bits. */
export interface TerminalFacts {
  readonly stdin: boolean
  readonly stdout: number | undefined
  readonly stderr: number | undefined
}

/** The data about the standard streams that a thread gets when it starts. */
export interface ThreadStreams {
  readonly terminal: TerminalFacts
  /** Memory of its {@link OutputLedger}. */
  readonly ledger: SharedArrayBuffer
}

const printedAt = 0
const failureAt = 0
const columnsAt = 3
const rowsAt = 4
const words = 5

export class OutputLedger {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(buffer = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /** The kernel no longer holds this many units of the thread's output. */
  print(units: number): void {
    Atomics.add(this.#words, printedAt, units)
    Atomics.notify(this.#words, printedAt)
  }

  /** Units of `sent` that the kernel still holds. Both counts wrap around. */
  held(sent: number): number {
    return (sent - Atomics.load(this.#words, printedAt)) | 0
  }

  /** Settles when the kernel holds at most `most` units of `sent`. */
  async room(sent: number, most: number): Promise<void> {
    for (;;) {
      const printed = Atomics.load(this.#words, printedAt)
      if (((sent - printed) | 0) <= most) return
      const waiting = Atomics.waitAsync(this.#words, printedAt, printed)
      if (waiting.async) await waiting.value
    }
  }

  /** From now on, writes of threads to `stream` fail like the kernel's own. @param errno - Such as `EPIPE`. */
  fail(stream: OutputStream, errno: number): void {
    Atomics.store(this.#words, failureAt + stream, errno)
  }

  /** The error of a write to `stream`; `undefined` while the stream accepts data. */
  failure(stream: OutputStream): NodeJS.ErrnoException | undefined {
    const errno = Atomics.load(this.#words, failureAt + stream)
    if (errno === 0) return undefined
    const [code = 'EIO'] = Object.entries(constants.errno).find(([, number]) => number === errno) ?? []
    return Object.assign(new Error(`write ${code}`), { errno: -errno, code, syscall: 'write' })
  }

  get columns(): number {
    return Atomics.load(this.#words, columnsAt)
  }

  get rows(): number {
    return Atomics.load(this.#words, rowsAt)
  }

  /** The size of the terminal. */
  resize(columns: number, rows: number): void {
    Atomics.store(this.#words, columnsAt, columns)
    Atomics.store(this.#words, rowsAt, rows)
  }
}
